"""The digest of what a project's data is read from, before a run is submitted."""

from __future__ import annotations

from mizzen.adapters.files.digests import state_of
from mizzen.control.workspace import Workspace


def source_digest(workspace: Workspace) -> str:
    """SHA-256 over the source's files, packages and declaration.

    Raises:
        InvalidProject: a file or package that is named does not exist or lies elsewhere.
    """
    source = workspace.spec.data.source
    return state_of(source, workspace.folder, workspace.place.home).digest
