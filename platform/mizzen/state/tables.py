"""The tables as they are now. Migrations make them; a test holds the two equal.

Types are portable to PostgreSQL: no SQLite affinity is relied on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class Instant(TypeDecorator[datetime]):
    """An instant with zone; UTC in the database, since SQLite keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """To UTC; SQLite's type wants it without the zone."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Back with its zone."""
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

projects = Table(
    "projects",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("folder", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project", String(40), ForeignKey("projects.name"), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("title", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("trigger", String(20), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("plan", String(64), nullable=False),
    Column("code", String(64), nullable=False),
    Column("folder", Text, nullable=False),
    Column("champion", Integer),
    Column("version", Integer),
    Column("attempts", Integer, nullable=False),
    Column("error", JSON),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("overrides", JSON, nullable=False, server_default="{}"),
    Column("evaluation", JSON),
    Index("ix_runs_project_created_at", "project", "created_at"),
    Index("ix_runs_project_state", "project", "state"),
)

steps = Table(
    "steps",
    metadata,
    Column("run", String(40), ForeignKey("runs.id"), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("seconds", Float),
    Column("figures", JSON, nullable=False),
    Column("artifacts", JSON, nullable=False),
    Column("error", JSON),
    Column("at", Instant, nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
)

versions = Table(
    "versions",
    metadata,
    Column("project", String(40), ForeignKey("projects.name"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run", String(40), ForeignKey("runs.id"), nullable=False),
    Column("blessed", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("metric", String(80), nullable=False),
    Column("value", Float),
    Column("champion", Integer),
    Column("champion_value", Float),
    Column("created_at", Instant, nullable=False),
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", String(40), ForeignKey("projects.name"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("previous", Integer),
    Column("by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("forced", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("key", String(40)),
    Index("ix_promotions_project_id", "project", "id"),
    Index("ix_promotions_key", "key", unique=True),
)

windows = Table(
    "windows",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("project", String(40), ForeignKey("projects.name"), nullable=False),
    Column("start", Instant),
    Column("end", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("alarm", Boolean, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("report", Text),
    Column("handled_by", Integer, ForeignKey("decisions.id")),
    Column("at", Instant, nullable=False),
    Index("ix_windows_project_end", "project", "end"),
    Index("ix_windows_project_handled_by_alarm", "project", "handled_by", "alarm"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", String(40), ForeignKey("projects.name"), nullable=False),
    Column("trigger_id", String(120), nullable=False),
    Column("cause", String(20), nullable=False),
    Column("go", Boolean, nullable=False),
    Column("rule", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("not_before", Instant),
    Column("run", String(40)),
    Column("at", Instant, nullable=False),
    Column("key", String(40)),
    Index("ix_decisions_project_id", "project", "id"),
    Index("ix_decisions_project_trigger_id", "project", "trigger_id"),
    Index("ix_decisions_key", "key", unique=True),
)

retraining_requests = Table(
    "retraining_requests",
    metadata,
    Column("project", String(40), ForeignKey("projects.name"), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("cause", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", Instant, nullable=False),
    Column("handled_by", Integer, ForeignKey("decisions.id")),
    Index("ix_retraining_requests_project_at", "project", "at"),
    Index("ix_retraining_requests_project_handled_by", "project", "handled_by", "at"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("project", String(40), ForeignKey("projects.name"), primary_key=True),
    Column("cron", String(200), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("since", Instant, nullable=False),
)

served = Table(
    "served",
    metadata,
    Column("project", String(40), ForeignKey("projects.name"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("address", Text, nullable=False),
    Column("pid", Integer),
    Column("since", Instant, nullable=False),
)

chapters = Table(
    "chapters",
    metadata,
    Column("project", String(40), ForeignKey("projects.name"), primary_key=True),
    Column("story", String(40), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("result", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)

bundles = Table(
    "bundles",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# Who drives what. Rows stay, so that no epoch is ever given twice.
leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# One row, written by the migration command: the oldest code that works with these tables.
compatibility = Table(
    "compatibility",
    metadata,
    Column("works_from", String(32), primary_key=True),
)
