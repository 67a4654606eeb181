"""The seam to the model registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version. `tags` carry its provenance; `metrics` its evaluation."""

    name: str
    version: int
    run_id: str
    created_at: str
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


class Registry(Protocol):
    """Keeps packages under numbers; aliases follow what control has committed."""

    def register(
        self,
        name: str,
        package: Path,
        run_id: str,
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        parameters: Mapping[str, Any],
    ) -> int:
        """Store a package as the next version; the same package of the same run registers
        once. Nothing is visible until everything is stored."""

    def fetch(self, name: str, version: int, into: Path) -> Path:
        """The package's folder below `into`, verified against its hashes; reused when there."""

    def get(self, name: str, version: int) -> ModelVersion:
        """One version, or NotFound with the known numbers."""

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions, oldest first."""

    def set_alias(self, name: str, alias: str, version: int | None) -> None:
        """Point an alias at a version, or remove it. Idempotent."""
