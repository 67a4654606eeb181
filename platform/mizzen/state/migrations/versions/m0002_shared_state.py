"""What a state that several machines write needs: changes in order, keys of writers, bundles."""

import sqlalchemy as sa
from alembic import op

from mizzen.state.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
works_from = "0001"  # columns that older code leaves out have a default or may be empty


def upgrade() -> None:
    """Number the changes of runs and steps, let writers name their writes, keep bundles."""
    for table in ("runs", "steps"):
        op.add_column(table, sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    for table in ("promotions", "decisions"):
        op.add_column(table, sa.Column("key", sa.String(40)))
        op.create_index(f"ix_{table}_key", table, ["key"], unique=True)
    op.create_table(
        "bundles",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_bundles"),
    )
    op.create_table(
        "compatibility",
        sa.Column("works_from", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("works_from", name="pk_compatibility"),
    )
