"""Features with event times in Feast: declared, joined point in time, served by key.

`source` is what the table names. Feast keeps the definitions (registry), the history (files)
and the newest values (SQLite); the join is ours, registered with Feast as its offline store,
because Feast's own stores lose rows or their order.
"""
