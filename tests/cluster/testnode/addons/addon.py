"""What an add-on is: a chart or a kustomization of a built part, and images to load with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from testnode.workloads import Manifest


@dataclass(frozen=True, slots=True)
class Chart:
    """A Helm chart, with the values that make it run here."""

    part: str
    folder: str
    values: Mapping[str, Any]
    placeholders: Mapping[str, str] = field(default_factory=dict)  # of a values.tmpl.yaml
    drop_dependencies: bool = False  # where they name a registry and are installed by themselves


@dataclass(frozen=True, slots=True)
class Kustomization:
    """Published manifests under `folder`, which `overlay` refers to, made ours by patches."""

    part: str
    folder: str
    overlay: Manifest
    waits_for: str = ""  # the Deployment that has to be available, where there is one


@dataclass(frozen=True, slots=True)
class Addon:
    name: str
    namespace: str
    images: tuple[str, ...]
    source: Chart | Kustomization
    objects: tuple[Manifest, ...] = ()  # applied once the source is ready
