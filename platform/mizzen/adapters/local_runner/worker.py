"""The inside of a step's process: take the request, call the plain function, leave a result.

The request and the result are JSON files in the step's folder::

    {"task", "step", "values", "inputs", "outputs", "figures", "path", "log", "result", "folder"}
    {"figures": {...}, "seconds": 1.2}  or  {"error": {...}, "seconds": 1.2}
"""

from __future__ import annotations

import atexit
import errno
import faulthandler
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from mizzen.adapters.bundle import own_process
from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.local_runner.leftovers import finish_threads
from mizzen.adapters.local_runner.processes import adopt_orphans, die_with_parent
from mizzen.errors import InvalidProject, MizzenError, StepFailed, UserError
from mizzen.masking import masked
from mizzen.streams import guarded

Json = dict[str, Any]
DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


def work(request_file: Path, environment: Mapping[str, str], parent: int) -> NoReturn:
    """Run one step in this process, which ends with it."""
    code = 1
    try:
        os.setsid()
        adopt_orphans()
        die_with_parent(parent)
        request: Json = json.loads(request_file.read_text(encoding="utf-8"))
        os.environ.update(environment)
        own_process()
        _enter(request)
        code = _leave(request, _attempt(request))
    except BaseException:  # noqa: BLE001 (nothing may unwind into the zygote's frames)
        traceback.print_exc()
    finally:
        os._exit(code)


def _enter(request: Json) -> None:
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    sys.stdout, sys.stderr = (guarded(n, "utf-8", line_buffering=True) for n in (1, 2))
    faulthandler.enable(sys.stderr)
    sys.path[:] = request["path"]
    os.chdir(request["folder"])


def _attempt(request: Json) -> Json:
    started = time.perf_counter()
    try:
        figures = _call(request)
        finish_threads(request["task"])
        outcome: Json = {"figures": figures}
    except BaseException as error:  # noqa: BLE001 (sys.exit in a step is a failure of the step)
        outcome = {"error": describe(request["task"], error)}
        sys.stderr.write(outcome["error"]["traceback"])
    return {**outcome, "seconds": time.perf_counter() - started}


def _call(request: Json) -> Json:
    run = _function(request["step"])
    paths = {name: Path(path) for name, path in (request["inputs"] | request["outputs"]).items()}
    returned = run(**request["values"], **paths)
    figures = _figures(returned)
    missing = sorted(set(request["figures"]) - set(figures))
    if missing:
        raise StepFailed(
            f"step {request['task']} did not return {', '.join(missing)}",
            given=", ".join(figures) or "nothing",
            allowed=", ".join(request["figures"]),
        )
    return figures


def _function(step: str) -> Any:
    module, _, name = step.partition(":")
    function = getattr(importlib.import_module(module), name, None)
    if function is None:
        raise InvalidProject(f"module {module} has no function {name!r}")
    return function


def _figures(returned: Any) -> Json:
    if returned is None:
        return {}
    named = returned._asdict() if hasattr(returned, "_asdict") else {"Output": returned}
    return {name: _plain(name, value) for name, value in named.items()}


def _plain(name: str, value: Any) -> Any:
    # numpy's scalars know how to become Python's
    value = value.item() if hasattr(value, "item") and not hasattr(value, "__len__") else value
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        raise StepFailed(
            f"the step returned {name!r} as {type(value).__name__}",
            allowed="str, int, float, bool, or lists and mappings of them",
        ) from None


def describe(task: str, error: BaseException) -> Json:
    """An error as it travels to the runner, with the traceback from the step's own code on."""
    text = masked("".join(traceback.format_exception(_without_our_frames(error))))
    if isinstance(error, MizzenError):
        return {**error.as_dict(), "traceback": text}
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        known: MizzenError = disk_full(error)
    else:
        known = StepFailed(
            f"step {task} failed: {type(error).__name__}: {error}",
            next_step="see the traceback; the step's log holds what it printed",
        )
    return {**known.as_dict(), "traceback": text}


def disk_full(error: OSError) -> UserError:
    """The error for a device without space."""
    return UserError(
        "no space is left on the device",
        given=error.filename or error.strerror,
        next_step="free some space, then resume the run; finished steps are kept",
    )


def _without_our_frames(error: BaseException) -> BaseException:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        if frame.tb_frame.f_code.co_filename != __file__:
            break
        frame = frame.tb_next
    return error.with_traceback(frame)


def _leave(request: Json, outcome: Mapping[str, Any]) -> int:
    atexit._run_exitfuncs()
    target = Path(request["result"])
    replace_text(target, json.dumps(outcome))
    sys.stdout.flush()
    sys.stderr.flush()
    return 1 if "error" in outcome else 0
