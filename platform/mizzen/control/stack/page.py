"""The tracking page (MLflow's own server), for people to look at; runs do not need it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from mizzen.control.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Page:
    """`command` is None where somebody else runs the page, or where it cannot be run here."""

    address: str | None
    command: tuple[str, ...] | None
    environment: dict[str, str]
    why: str = ""


def page_of(workspace: Workspace) -> Page:
    """How this place's page is started, and where it will be."""
    tracking = workspace.place.profile.tracking
    if tracking.uri is not None and tracking.uri.startswith(("http://", "https://")):
        return Page(tracking.uri, None, {})
    if find_spec("mlflow") is None or find_spec("flask") is None:
        return Page(None, None, {}, "MLflow's server is not installed: mizzen[mlflow-server]")
    from mizzen.adapters.mlflow.page import command

    words, environment = command(workspace.place, "127.0.0.1", tracking.port)
    return Page(f"http://127.0.0.1:{tracking.port}", tuple(words), environment)
