"""Alembic migrations of the state. One file a change, never edited after a release."""
