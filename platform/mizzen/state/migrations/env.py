"""Alembic's entry: migrates over the connection that `apply` holds, in its transaction."""

from alembic import context

from mizzen.state.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction holds all migrations together
)
context.run_migrations()
