"""One version put to work without the stack: in the foreground, as a Bento, over a table."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from mizzen.control.backends import packages_folder, registry_of, version_of
from mizzen.control.models.registered import project_of
from mizzen.control.runs.request import RunRequest
from mizzen.control.stack.foreground import announced
from mizzen.control.stack.probes import listen
from mizzen.control.stack.serving import command, door_words, package_of
from mizzen.control.workspace import Workspace
from mizzen.errors import IntegrityError, NotFound

if TYPE_CHECKING:
    from mizzen.adapters.mlflow.pyfunc import PackageModel

ONNX = "onnx"


def serve(
    workspace: Workspace,
    version: int | None,
    port: int | None,
    tell: Callable[[str], None] | None = None,
) -> int:
    """Serve until interrupted; returns the service's exit status. `tell` is called with the
    address once it is known that there is something to serve and where."""
    number = version_of(workspace, version)
    where = workspace.place.profile.serving
    package = package_of(workspace, number)
    wanted = where.port if port is None else port
    with listen(where.host, wanted, "the service", "serving.port") as listener:
        actual, descriptor = listener.getsockname()[1], listener.fileno()
        address = f"http://{where.host}:{actual}"
        if tell is not None:
            tell(address)
        process = subprocess.Popen(
            [
                *command(package, number, where.host, actual, descriptor, os.getpid()),
                *door_words(workspace),
            ],
            env={**os.environ, **workspace.place.to_environment()},
            pass_fds=[descriptor],
            start_new_session=True,  # a terminal's signals come through this process, once
        )
    with announced(workspace, number, address):
        return outlive(process)


def outlive(process: subprocess.Popen[bytes]) -> int:
    """Wait until the service has ended, and pass on what ends this process."""
    told: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)

    with _handling((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), pass_on):
        status = process.wait()
    return 0 if told and status in {0, -signal.SIGTERM} else status


@contextlib.contextmanager
def _handling(
    numbers: Sequence[int], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals; the service ends with this process anyway
        return
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def package(
    workspace: Workspace, version: int | None, into: Path | None, onnx: bool = False
) -> Path:
    """The version as a Bento below `into` (the place's `bentos`, or `bentos-onnx`).

    Raises:
        Unsupported: `onnx`, and it is no torch model, or one that ONNX cannot express.
    """
    from mizzen_serving.package import as_onnx, build

    number = version_of(workspace, version)
    registered = package_of(workspace, number)
    if not onnx:
        return build(registered, into or workspace.place.home / "bentos", number)
    with tempfile.TemporaryDirectory(prefix="mizzen-onnx-") as scratch:
        exported = as_onnx(registered, Path(scratch) / "package", workspace.place)
        return build(exported, into or workspace.place.home / "bentos-onnx", number)


def export_onnx(workspace: Workspace, version: int | None) -> int:
    """Give a version (the champion) an ONNX variant in the registry, so that an image without
    torch can serve it; a version that has a sound one is left as it is. Returns the number.

    Raises:
        Unsupported: no torch model, or one that ONNX cannot express.
        IntegrityError: the exported model answers differently; nothing is registered.
    """
    from mizzen_serving.package import as_onnx

    number, name, place = version_of(workspace, version), workspace.spec.name, workspace.place
    registry = registry_of(workspace)
    with contextlib.suppress(NotFound, IntegrityError):
        registry.fetch(name, number, packages_folder(place), ONNX)
        return number
    with tempfile.TemporaryDirectory(prefix="mizzen-onnx-") as scratch:
        exported = as_onnx(package_of(workspace, number), Path(scratch) / "package", place)
        registry.add_variant(name, number, ONNX, exported)
    return number


def load_model(workspace: Workspace, version: int | None) -> PackageModel:
    """A version (the champion) in this process; its files are those that were registered.

    Raises:
        IntegrityError: what is stored is not what was registered.
    """
    from mizzen.adapters.mlflow.pyfunc import open_package

    return open_package(package_of(workspace, version_of(workspace, version)))


def batch_request(
    workspace: Workspace, version: int | None, start: datetime | None, end: datetime | None
) -> tuple[Workspace, RunRequest]:
    """The run that predicts a window's rows with one version, and the project to submit it for:
    as that version was described, with its own code.

    Raises:
        NotFound: no such version, or no champion.
    """
    number = version_of(workspace, version)
    registered = project_of(workspace, number)
    request = RunRequest(
        kind="batch-inference",
        title=f"predict with version {number}",
        start=start,
        end=end,
        arguments={"model_version": number, "code": registered.code},
    )
    return registered.workspace, request
