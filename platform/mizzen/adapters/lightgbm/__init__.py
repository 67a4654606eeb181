"""LightGBM on tables: its own parameters, its own text format, no pickle."""
