"""Who drives a run, or a loop, and until when that is believed."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from mizzen.state.tables import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
works_from = "0003"  # a table that older code does not know

# Drivers of an older Mizzen renew no lease: their unfinished runs are believed for this long.
_GRACE = timedelta(hours=1)


def upgrade() -> None:
    """Make the table; give each unfinished run a lease of whoever drives it."""
    leases = op.create_table(
        "leases",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    runs = sa.table("runs", sa.column("id", sa.String), sa.column("state", sa.String))
    unfinished = sa.select(runs.c.id).where(runs.c.state.in_(["queued", "running"]))
    expires = datetime.now(UTC) + _GRACE
    rows = [
        {"name": f"run:{run_id}", "holder": "", "epoch": 1, "expires_at": expires}
        for run_id in op.get_bind().execute(unfinished).scalars()
    ]
    op.bulk_insert(leases, rows)
