"""The seam to the model registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version. `tags` carry its provenance; `metrics` its evaluation;
    `variants` name other packages of it (`onnx`)."""

    name: str
    version: int
    run_id: str
    created_at: str
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    variants: tuple[str, ...] = ()


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

    def find(self, name: str, tags: Mapping[str, str]) -> list[int]:
        """The versions that have all these tags, oldest first."""

    def fetch(self, name: str, version: int, into: Path, variant: str | None = None) -> Path:
        """The package's folder below `into`, verified against its hashes; reused when there.
        `variant`: another package of the same version, such as `onnx`.

        Raises:
            NotFound: no such version, or no such variant of it.
            IntegrityError: what is stored is not what was registered.
            TemporaryError: the registry does not answer.
        """

    def add_variant(self, name: str, version: int, variant: str, package: Path) -> None:
        """Keep another package of a version beside its own, in place of an older one."""

    def keep(self, name: str, version: int, folder: Path, under: str) -> str:
        """Keep files about a version (a drift report) below the name `under`; their address,
        for people."""

    def get(self, name: str, version: int) -> ModelVersion:
        """One version, or NotFound with the known numbers."""

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions, oldest first."""

    def alias(self, name: str, alias: str) -> int | None:
        """The version that an alias points at; None where it points at none, or there is no such
        name. Asked after every run, so it loads no large library where that can be helped."""

    def set_alias(self, name: str, alias: str, version: int | None) -> None:
        """Point an alias at a version, or remove it. Idempotent."""
