"""What asks for retrainings: events that were sent, and how far a schedule was answered."""

import sqlalchemy as sa
from alembic import op

from mizzen.state.tables import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
works_from = "0004"  # tables that older code does not know


def upgrade() -> None:
    """Make both tables; let the decisions about a trigger be found."""
    op.create_index("ix_decisions_project_trigger_id", "decisions", ["project", "trigger_id"])
    op.create_table(
        "retraining_requests",
        sa.Column("project", sa.String(40), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("cause", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("handled_by", sa.Integer),
        sa.PrimaryKeyConstraint("project", "key", name="pk_retraining_requests"),
        _of_project("retraining_requests"),
        sa.ForeignKeyConstraint(
            ["handled_by"], ["decisions.id"], name="fk_retraining_requests_handled_by"
        ),
    )
    for name, more in (("at", []), ("handled_by", ["at"])):
        op.create_index(
            f"ix_retraining_requests_project_{name}",
            "retraining_requests",
            ["project", name, *more],
        )
    op.create_table(
        "schedules",
        sa.Column("project", sa.String(40), nullable=False),
        sa.Column("cron", sa.String(200), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.PrimaryKeyConstraint("project", name="pk_schedules"),
        _of_project("schedules"),
    )


def _of_project(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["project"], ["projects.name"], name=f"fk_{table}_project")
