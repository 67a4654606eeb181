"""`mizzen doctor`: whether this machine can do what the project asks, with what to do if not."""

from __future__ import annotations

import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

from mizzen import __version__
from mizzen.adapters.backends import BACKENDS
from mizzen.adapters.mlflow.database import is_unfinished
from mizzen.control.features.views import stale_of
from mizzen.control.stack.files import StackFiles
from mizzen.control.stack.probes import ask, listen
from mizzen.control.stack.serving import is_open
from mizzen.control.workspace import Workspace
from mizzen.errors import MizzenError
from mizzen.masking import masked, without_credentials

MINIMUM = (3, 11)
FREE_BYTES = 2 << 30
# What a project of each kind needs: library -> extra that installs it.
NEEDED = {
    "kfp": "kfp",
    "mlflow": "mlflow",
    "dvc": "dvc",
    "great_expectations": "great-expectations",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`level` is ok, warning or error; `fix` says what to do."""

    level: Literal["ok", "warning", "error"]
    subject: str
    found: str
    fix: str | None = None

    def __post_init__(self) -> None:
        # an address is shown by whoever looks at it
        object.__setattr__(self, "found", masked(self.found))


def examine(workspace: Workspace) -> list[Diagnosis]:
    """Everything, in the order in which a person would fix it."""
    return [
        _python(),
        *_libraries(workspace),
        _disk(workspace),
        *_home(workspace),
        *_ports(workspace),
        _git(),
        *_state(workspace),
        *_registry(workspace),
        *_addresses(workspace),
        *_features(workspace),
        diagnose_door(workspace),
    ]


def _python() -> Diagnosis:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < MINIMUM:
        return Diagnosis("error", "python", found, "use Python 3.11 or newer")
    return Diagnosis("ok", "python", found)


def _libraries(workspace: Workspace) -> Iterator[Diagnosis]:
    spec = workspace.spec
    needed = dict(NEEDED)
    if spec.features.used_views:
        needed["feast"] = "feast"
    backend = BACKENDS["framework"].get(spec.trainer.kind)
    if backend is not None and backend.library is not None:
        needed[backend.library] = backend.extra or backend.library
    for library, extra in {**needed, "bentoml": "serving"}.items():
        if find_spec(library) is None:
            yield Diagnosis("error", library, "not installed", f"pip install 'mizzen[{extra}]'")
        else:
            yield Diagnosis("ok", library, _version(library))


def _version(library: str) -> str:
    for name in (library, library.replace("_", "-"), f"{library}-skinny"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "installed"


def _disk(workspace: Workspace) -> Diagnosis:
    there = workspace.place.home
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    found = f"{free / (1 << 30):.1f} GiB free at {there}"
    if free < FREE_BYTES:
        return Diagnosis("error", "disk", found, "make room, or set `home` in the profile")
    return Diagnosis("ok", "disk", found)


def _home(workspace: Workspace) -> Iterator[Diagnosis]:
    home = workspace.place.home
    if not home.is_dir():
        return
    if home.stat().st_mode & 0o077:
        found = f"others on this machine may look into {home}"
        yield Diagnosis("error", "home", found, f"chmod 700 {shlex.quote(str(home))}")
    else:
        yield Diagnosis("ok", "home", f"only you may look into {home}")


def _ports(workspace: Workspace) -> Iterator[Diagnosis]:
    if StackFiles(workspace).alive():
        yield Diagnosis("ok", "ports", "the stack runs and holds them")
        return
    profile = workspace.place.profile
    wanted = [(profile.serving.host, profile.serving.port, "the service", "serving.port")]
    if profile.tracking.uri is None:
        wanted.append(("127.0.0.1", profile.tracking.port, "MLflow's page", "tracking.port"))
    for host, port, what, field in wanted:
        try:
            listen(host, port, what, field).close()
            yield Diagnosis("ok", "port", f"{port} is free for {what}")
        except MizzenError as error:
            yield Diagnosis("error", "port", error.message, error.next_step)


def _git() -> Diagnosis:
    found = shutil.which("git")
    if found is None:
        fix = "install git, so that models name the commit that they come from"
        return Diagnosis("warning", "git", "not installed", fix)
    return Diagnosis("ok", "git", found)


def _state(workspace: Workspace) -> Iterator[Diagnosis]:
    url = workspace.place.profile.control.url
    try:
        about = workspace.state.about()
    except (MizzenError, OSError) as error:
        fix = error.next_step if isinstance(error, MizzenError) else "see its permissions"
        yield Diagnosis("error", "state", str(error), fix)
        return
    if url is None:
        yield Diagnosis("ok", "state", f"reachable, tables {about.tables}")
        return
    yield Diagnosis("ok", "state", f"{url} answers: Mizzen {about.version}, tables {about.tables}")
    if about.version != __version__:
        found = f"Mizzen {__version__} here, {about.version} there"
        yield Diagnosis("warning", "versions", found, f"pip install 'mizzen=={about.version}'")


def _registry(workspace: Workspace) -> Iterator[Diagnosis]:
    file = workspace.place.home / "mlflow.db"
    if workspace.place.profile.tracking.uri is not None or not file.exists():
        return
    try:
        unfinished = is_unfinished(file)
    except MizzenError as error:
        yield Diagnosis("error", "registry", f"{error.message}: {error.given}", error.next_step)
        return
    if unfinished:
        found = f"{file} is half made: its first use ended early, and it holds nothing"
        yield Diagnosis("warning", "registry", found, "nothing to do: the next run makes it anew")


def _features(workspace: Workspace) -> Iterator[Diagnosis]:
    """Whether the champion's own feature values go on."""
    if not workspace.spec.features.used_views:
        return
    try:
        champion = workspace.state.models.champion(workspace.spec.name)
        stale = stale_of(workspace, champion.version) if champion else []
    except MizzenError as error:
        yield Diagnosis("warning", "features", str(error), error.next_step)
        return
    for one in stale:
        yield Diagnosis("warning", "features", one.found, one.fix)


def diagnose_door(workspace: Workspace) -> Diagnosis:
    """Whether anybody who reaches the service may ask it."""
    where = workspace.place.profile.serving
    if is_open(workspace):
        found = f"open: anyone who reaches {where.host}:{where.port} may ask it"
        fix = "set `serving.tokens` in the profile, or `serving.host` to 127.0.0.1"
        return Diagnosis("warning", "service", found, fix)
    if where.tokens is None:
        return Diagnosis("ok", "service", "asks for no token, and listens on this machine only")
    from mizzen.adapters.files.tokens import read_tokens
    from mizzen_serving.callers import CALLERS

    try:
        callers = read_tokens(workspace.folder / where.tokens, CALLERS)
    except MizzenError as error:
        return Diagnosis("error", "service", str(error), error.next_step)
    return Diagnosis("ok", "service", f"asks for tokens; {len(callers)} may ask")


def _addresses(workspace: Workspace) -> Iterator[Diagnosis]:
    uri = workspace.place.profile.tracking.uri
    if uri is not None and uri.startswith("http"):
        uri = without_credentials(uri)
        if ask(f"{uri.rstrip('/')}/health") is None:
            fix = "start it, or fix `tracking.uri` in the profile"
            yield Diagnosis("error", "tracking", f"{uri} does not answer", fix)
        else:
            yield Diagnosis("ok", "tracking", f"{uri} answers")
