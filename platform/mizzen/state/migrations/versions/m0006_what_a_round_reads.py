"""What each round of a controller reads is found without looking through the whole history."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
works_from = "0004"  # indexes; as 0005

_INDEXES = {
    "runs": ("project", "state"),
    "windows": ("project", "handled_by", "alarm"),
}


def upgrade() -> None:
    """Index unfinished runs and alarms that wait."""
    for table, columns in _INDEXES.items():
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
