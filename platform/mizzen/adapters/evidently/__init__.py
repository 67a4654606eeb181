"""Evidently: the drift report that people read."""
