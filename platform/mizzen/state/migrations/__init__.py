"""Alembic migrations of the state. One file a change, never edited after a release.

Expand, then contract: a migration never breaks the Mizzen before it, which goes on answering
while pods are replaced and after a rollback. Each file says so by `works_from`, the newest
migration that the oldest code which works with its tables knows; it is the one before, or older.
So: add columns that may be empty or have a default; move the content; and drop what nobody reads
any more a release later.
"""
