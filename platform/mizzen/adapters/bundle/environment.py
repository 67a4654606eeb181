"""The environment that a project's code sees: what it declares and what tells of the machine.

A bundle carries the declared variables in `FILE`. Two bundles in one process (a candidate and the
champion) each see their own values, so reads go by who reads: `os.environ` looks for code of a
bundle among its callers. In a process that belongs to one step the other variables are removed
too, so that neither a library nor a program that the code starts finds them.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mizzen.core.environment import digest_of_secret, is_of_machine, record, value_of
from mizzen.errors import InvalidProject
from mizzen.spec.environment import Variable

FILE = ".mizzen-environment.json"
PREFIX = "mizzen_bundle_"  # of the packages under which modules of bundles are loaded
_SALT = "secrets.salt"
_LIBRARY = {"os", "collections.abc", "_collections_abc", __name__}
_seen: dict[str, dict[str, str]] = {}  # package -> its variables
_removed: dict[str, str] = {}
_state = {"owned": False}


def declared(variables: Sequence[Variable], home: Path) -> bytes:
    """What a bundle carries; nothing where nothing is declared.

    Raises:
        InvalidProject: a variable without default is not set.
    """
    if not variables:
        return b""
    return json.dumps(record(variables, os.environ, _salt(home)), sort_keys=True).encode()


def check_secrets(code: Path, home: Path) -> None:
    """See that secrets are what they were when the run was submitted.

    Raises:
        InvalidProject: another value, or none.
    """
    salt = home / _SALT
    for name, kept in _read(code).items():
        if "secret" not in kept or not salt.exists():
            continue
        value = value_of(name, kept, _everything())
        if digest_of_secret(name, value, salt.read_bytes()) != kept["secret"]:
            raise InvalidProject(
                f"the secret {name} is another one than when the run was submitted",
                next_step="start another run: mizzen run",
            )


def own_process() -> None:
    """Say that this process is a step's: what its code does not declare may be removed."""
    _state["owned"] = True


def confine(package: str, code: Path) -> None:
    """From now on modules of `package`, loaded from `code`, see their own environment.

    Raises:
        InvalidProject: a secret that they declare is not set.
    """
    kept = _read(code)
    _seen[package] = {name: value_of(name, one, _everything()) for name, one in kept.items()}
    if type(os.environ) is not _Guarded:
        os.environ.__class__ = _Guarded
    if _state["owned"]:
        for name in [name for name in os.environ if not is_of_machine(name)]:
            _removed[name] = os.environ.pop(name)
        os.environ.update(_seen[package])


def _everything() -> Mapping[str, str]:
    return {**_removed, **os.environ}


def _read(code: Path) -> dict[str, dict[str, Any]]:
    file = code / FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _salt(home: Path) -> bytes:
    file = home / _SALT
    home.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    if not file.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(32))
            os.link(fresh, file)  # fails where another process was first
        except FileExistsError:
            pass
        finally:
            os.close(descriptor)
            fresh.unlink()
    return file.read_bytes()


class _Guarded(os._Environ):  # type: ignore[type-arg]
    """`os.environ` as code of bundles sees it; for all others it is as it was."""

    def __getitem__(self, key: str) -> str:
        package = None if is_of_machine(key) else _reader()
        if package is None:
            return str(super().__getitem__(key))
        own = _seen.get(package[0], {})
        if key in own:
            return own[key]
        if package[1] and (key in _removed or self._holds(key)):
            raise _undeclared(key)
        raise KeyError(key)

    def _holds(self, key: str) -> bool:
        return key in map(str, super().__iter__())

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        package = _reader()
        if package is None:
            return super().__iter__()
        machine = [name for name in super().__iter__() if is_of_machine(name)]
        return iter(dict.fromkeys([*machine, *_seen.get(package[0], {})]))


def _reader() -> tuple[str, bool] | None:
    """The bundle on whose behalf the environment is read, and whether its own code reads it."""
    frame, direct = sys._getframe(1), True
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith(PREFIX):
            return name.partition(".")[0], direct
        direct = direct and name in _LIBRARY
        frame = frame.f_back  # type: ignore[assignment]
    return None


def _undeclared(name: str) -> InvalidProject:
    return InvalidProject(
        f"the project's code reads the environment variable {name}, which mizzen.yaml does not "
        "declare: a change of it would not be noticed",
        next_step=f"add it to mizzen.yaml: `environment: [{name}]`, or do not read it",
    )
