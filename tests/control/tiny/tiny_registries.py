"""Workspaces whose models are in another registry than their home's."""

from __future__ import annotations

from dataclasses import replace

from mizzen.control.workspace import Workspace


def with_registry(workspace: Workspace, uri: str) -> Workspace:
    """The workspace with the MLflow of that address."""
    tracking = workspace.place.profile.tracking.model_copy(update={"uri": uri})
    profile = workspace.place.profile.model_copy(update={"tracking": tracking})
    return replace(workspace, place=replace(workspace.place, profile=profile))
