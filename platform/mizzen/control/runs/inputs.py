"""What a run is of, taken before it is submitted: its code, and the digest of its data."""

from __future__ import annotations

from mizzen.adapters import bundle
from mizzen.adapters.files.digests import state_of
from mizzen.control.workspace import Workspace


def source_digest(workspace: Workspace) -> str:
    """SHA-256 over the source's files, packages and declaration.

    Raises:
        InvalidProject: a file or package that is named does not exist or lies elsewhere.
    """
    source = workspace.spec.data.source
    return state_of(source, workspace.folder, workspace.place.home).digest


def pack_code(workspace: Workspace) -> str:
    """The bundle of the project's code and of the environment that it declares; its digest.

    Raises:
        InvalidProject: no Python file that may be read, or a variable that is not set.
    """
    place = workspace.place
    environment = bundle.declared(workspace.spec.environment, place.home)
    return bundle.pack(workspace.folder, bundle.store_of(place), environment)
