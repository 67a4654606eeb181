"""Makes everything follow the champion of the history: the registry's alias and the service.

The drift baseline and the servable features need no step of their own: both are read from the
champion's package. Idempotent; each effect is compared before it is changed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from mizzen.control.backends import registry_of
from mizzen.control.workspace import Workspace
from mizzen.core.folders import replace_text

ALIAS = "champion"


def reconcile(workspace: Workspace) -> list[str]:
    """Repair what does not follow; returns what was done, in words."""
    name = workspace.spec.name
    champion = workspace.state.models.champion(name)
    if champion is None:
        return []
    done = []
    if _point_alias(workspace, champion.version):
        done.append(f"alias {ALIAS} points at version {champion.version}")
    from mizzen.control.stack import serving

    if serving.follow(workspace, champion.version):
        done.append(f"version {champion.version} is served")
    return done


def _point_alias(workspace: Workspace, version: int) -> bool:
    marker = _marker(workspace)
    # asking the registry costs seconds of imports; the marker is written after the effect
    if marker.exists() and marker.read_text(encoding="utf-8") == str(version):
        return False
    registry_of(workspace).set_alias(workspace.spec.name, ALIAS, version)
    replace_text(marker, str(version))
    return True


def _marker(workspace: Workspace) -> Path:
    """One for each registry: what was done to one is not done to another."""
    address = json.dumps(workspace.place.address("tracking"), sort_keys=True)
    registry = hashlib.sha256(address.encode()).hexdigest()[:12]
    return workspace.place.home / f"champion-{workspace.spec.name}-{registry}"
