"""Watching a model in use: drift, quality by late labels, and the figures of both."""
