"""A registered version: promoted, made ready, deployed, asked."""
