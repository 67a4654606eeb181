"""The first tables.

Written out, not taken from `tables.py`: a migration tells what was true when it was made.
"""

import sqlalchemy as sa
from alembic import op

from mizzen.state.tables import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
works_from = "0001"


def upgrade() -> None:
    """Make every table of the first release."""
    op.create_table(
        "projects",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_projects"),
    )
    _runs()
    _versions()
    _watching()
    _serving()


def _project() -> sa.Column[str]:
    return sa.Column("project", sa.String(40), nullable=False)


def _of_project(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["project"], ["projects.name"], name=f"fk_{table}_project")


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(40), nullable=False),
        _project(),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("trigger", sa.String(20), nullable=False),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("champion", sa.Integer),
        sa.Column("version", sa.Integer),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        _of_project("runs"),
    )
    op.create_index("ix_runs_project_created_at", "runs", ["project", "created_at"])
    op.create_table(
        "steps",
        sa.Column("run", sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("artifacts", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("run", "name", name="pk_steps"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_steps_run"),
    )


def _versions() -> None:
    op.create_table(
        "versions",
        _project(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("run", sa.String(40), nullable=False),
        sa.Column("blessed", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("metric", sa.String(80), nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("champion", sa.Integer),
        sa.Column("champion_value", sa.Float),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("project", "number", name="pk_versions"),
        _of_project("versions"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_versions_run"),
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.Integer, nullable=False),
        _project(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("previous", sa.Integer),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("forced", sa.Boolean, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_promotions"),
        _of_project("promotions"),
    )
    op.create_index("ix_promotions_project_id", "promotions", ["project", "id"])


def _watching() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, nullable=False),
        _project(),
        sa.Column("trigger_id", sa.String(120), nullable=False),
        sa.Column("cause", sa.String(20), nullable=False),
        sa.Column("go", sa.Boolean, nullable=False),
        sa.Column("rule", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("not_before", Instant),
        sa.Column("run", sa.String(40)),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        _of_project("decisions"),
    )
    op.create_index("ix_decisions_project_id", "decisions", ["project", "id"])
    op.create_table(
        "windows",
        sa.Column("id", sa.String(80), nullable=False),
        _project(),
        sa.Column("start", Instant),
        sa.Column("end", Instant, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("alarm", sa.Boolean, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("report", sa.Text),
        sa.Column("handled_by", sa.Integer),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_windows"),
        _of_project("windows"),
        sa.ForeignKeyConstraint(["handled_by"], ["decisions.id"], name="fk_windows_handled_by"),
    )
    op.create_index("ix_windows_project_end", "windows", ["project", "end"])


def _serving() -> None:
    op.create_table(
        "served",
        _project(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer),
        sa.Column("since", Instant, nullable=False),
        sa.PrimaryKeyConstraint("project", name="pk_served"),
        _of_project("served"),
    )
    op.create_table(
        "chapters",
        _project(),
        sa.Column("story", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("project", "story", "position", name="pk_chapters"),
        _of_project("chapters"),
    )
