"""Makes everything follow the champion of the history: the registry's alias and the service.

The drift baseline and the servable features need no step of their own: both are read from the
champion's package. Idempotent; each effect is compared before it is changed: the alias with the
registry itself, which other homes and people change too.
"""

from __future__ import annotations

from mizzen.control.backends import registry_of
from mizzen.control.workspace import Workspace

ALIAS = "champion"


def reconcile(workspace: Workspace) -> list[str]:
    """Repair what does not follow; returns what was done, in words."""
    name = workspace.spec.name
    champion = workspace.state.models.champion(name)
    if champion is None:
        return []
    done = []
    if point_alias(workspace, champion.version):
        done.append(f"alias {ALIAS} points at version {champion.version}")
    from mizzen.control.stack import serving

    if serving.follow(workspace, champion.version):
        done.append(f"version {champion.version} is served")
    return done


def alias_follows(workspace: Workspace, version: int) -> bool:
    """Whether the registry's alias points at this version; loads no large library for a file."""
    return registry_of(workspace).alias(workspace.spec.name, ALIAS) == version


def point_alias(workspace: Workspace, version: int) -> bool:
    """Point the registry's alias at a version; returns whether that changed anything."""
    if alias_follows(workspace, version):
        return False
    registry_of(workspace).set_alias(workspace.spec.name, ALIAS, version)
    return True
