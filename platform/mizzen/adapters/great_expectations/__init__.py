"""Great Expectations: whether tables are what the project expects."""
