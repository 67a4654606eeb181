"""What a run was asked to change of the description, and what it measured, beside its state."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
works_from = "0002"  # columns that older code leaves out have a default or may be empty


def upgrade() -> None:
    """Keep what lists of runs show with the run."""
    op.add_column("runs", sa.Column("overrides", sa.JSON, nullable=False, server_default="{}"))
    op.add_column("runs", sa.Column("evaluation", sa.JSON))
