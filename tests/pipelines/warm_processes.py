"""Starts Python modules by forking this process, which has loaded the steps' libraries already.

Nine tenths of what a cold step does is importing them. What is started is what the command names,
with the command's arguments, environment and descriptors; only the interpreter is warm.
"""

from __future__ import annotations

import atexit
import importlib
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

LIBRARIES = (
    *("dvc.repo", "feast", "great_expectations", "kfp.local", "lightgbm", "mlflow", "pyarrow"),
    *("mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store"),
    *("pandas", "sklearn.datasets", "torch"),
    *("mizzen.adapters.dvc.versions", "mizzen.adapters.feast.source"),
    *("mizzen.adapters.great_expectations.validator", "mizzen.adapters.mlflow.registry"),
    *("mizzen.adapters.lightgbm.framework", "mizzen.adapters.torch.framework"),
    *("mizzen_components.baseline", "mizzen_components.evaluate", "mizzen_components.predict"),
    *("mizzen_components.register", "mizzen_components.train", "mizzen_pipelines.compile"),
)


def load() -> None:
    """Import them all; a process with a second thread must not be forked."""
    for name in LIBRARIES:
        importlib.import_module(name)
    threads = [*Path("/proc/self/task").iterdir()]
    assert len(threads) == 1, f"{len(threads)} threads after importing"


def fork(run: Callable[[], object]) -> int:
    """Call `run` in a process of its own; the process's id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        run()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 (nothing may unwind into the caller's frames)
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def module(name: str, arguments: Sequence[str]) -> None:
    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def component(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """What the shell of KFP's compiled command does: the component's source in a file, then KFP's
    executor with the command's arguments."""
    _, _, script, source, *arguments = command
    assert "-m kfp.dsl.executor_main" in script

    def run() -> None:
        os.environ.update(environment, _KFP_RUNTIME="true")
        file = Path(tempfile.mkdtemp()) / "ephemeral_component.py"
        file.write_text(source)
        module("kfp.dsl.executor_main", ["--component_module_path", str(file), *arguments])

    return status(fork(run))


class Forked:
    """The part of `subprocess.Popen` with which the local runner starts its workers."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        pass_fds: Sequence[int],
        env: Mapping[str, str],
        umask: int,
        **_: Any,
    ) -> None:
        name, *arguments = command[command.index("-m") + 1 :]

        def run() -> None:
            os.setsid()
            os.umask(umask)
            for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
                if descriptor > 2 and descriptor not in pass_fds:
                    with suppress(OSError):  # the listing's own is closed already
                        os.close(descriptor)
            os.environ.clear()
            os.environ.update(env)
            module(name, arguments)

        self._pid = fork(run)

    def wait(self) -> int:
        return status(self._pid)


FORKING = SimpleNamespace(Popen=Forked, DEVNULL=None)  # in place of the module `subprocess`
