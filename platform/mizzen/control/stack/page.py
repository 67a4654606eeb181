"""The tracking page (MLflow's own server), for people to look at; runs do not need it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from mizzen.control.stack.probes import listen
from mizzen.control.workspace import Workspace
from mizzen.masking import without_credentials

HOST = "127.0.0.1"


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
        return Page(without_credentials(tracking.uri), None, {})
    if find_spec("mlflow") is None or find_spec("flask") is None:
        return Page(None, None, {}, "MLflow's server is not installed: mizzen[mlflow-server]")
    from mizzen.adapters.mlflow.server_process import command

    port = tracking.port or _free_port()
    words, environment = command(workspace.place, HOST, port)
    return Page(f"http://{HOST}:{port}", tuple(words), environment)


def _free_port() -> int:
    with listen(HOST, 0, "MLflow's page", "tracking.port") as listener:
        return int(listener.getsockname()[1])
