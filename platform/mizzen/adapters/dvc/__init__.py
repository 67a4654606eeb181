"""DVC: immutable, content-addressed versions of the data."""
