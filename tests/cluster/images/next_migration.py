"""A column more, which older code leaves empty."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "BEFORE"
branch_labels = None
depends_on = None
works_from = "BEFORE"


def upgrade() -> None:
    """Projects get a note."""
    op.add_column("projects", sa.Column("note", sa.String(40)))
