"""`python -m mizzen_serving.fetch_model --version N --into DIR`: a package, ready to serve.

The init container of a service runs it, with the place in the environment (MIZZEN_PLACE)::

    --version N          the number of a registered version; an alias is resolved by the caller
    --into DIR           a folder that outlives this process; the package is DIR/package
    --patience SECONDS   how long to ask again while the registry is away (120)

It prints the package's folder. Every file was compared with what was registered; a folder that
holds this version already is used as it is, without asking the registry. A torch model, where
torch is not installed, is fetched as the ONNX variant that `mizzen models export` made.

It ends with status 0, or with the exit code of the error tree (see mizzen.errors) and its text
on stderr: 3 when there is no such version, 6 when the package is damaged, 7 when the registry
stayed away.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from mizzen.adapters import backends
from mizzen.adapters.files.atomic import replaced_file
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.core.place import Place
from mizzen.errors import MizzenError, NotFound, TemporaryError, Unsupported, UserError
from mizzen.ports.models import Registry
from mizzen.streams import guard_streams

PACKAGE = "package"
ONNX = "onnx"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


def main(arguments: list[str] | None = None) -> int:
    """Fetch one version; returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        place, version = Place.from_environment(os.environ), _number(given.version)
        registry: Registry = backends.load_backend("registry", "mlflow")(place)
        package = _patiently(
            lambda: fetch(registry, place.project, version, given.into), given.patience
        )
    except MizzenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{package}\n")
    return 0


def fetch(registry: Registry, project: str, version: int, into: Path) -> Path:
    """`into/package`: the version's package, or its ONNX variant where torch is absent.

    Raises:
        NotFound: no such version.
        Unsupported: a torch model without an ONNX variant, and torch is not installed.
        IntegrityError: what is stored is not what was registered.
        TemporaryError: the registry does not answer.
    """
    kept = into / ".versions"
    _forget_others(kept / project, version)
    package = _fetched(registry, project, version, kept)
    target = into / PACKAGE
    with replaced_file(target) as link:
        link.symlink_to(package.relative_to(into), target_is_directory=True)
    return target


def _fetched(registry: Registry, project: str, version: int, kept: Path) -> Path:
    if find_spec("torch") is not None:
        return registry.fetch(project, version, kept)
    if (kept / project / f"{version}-{ONNX}").is_dir():
        return registry.fetch(project, version, kept, ONNX)
    package = registry.fetch(project, version, kept)
    if read_manifest(package)[0].framework != "torch":
        return package
    try:
        return registry.fetch(project, version, kept, ONNX)
    except NotFound as error:
        raise Unsupported(
            f"version {version} of {project} is a torch model, and torch is not installed here",
            given=error.message,
            allowed="a version with an ONNX variant, or an image with torch",
            next_step=f"mizzen models export {version}, then start the pod again",
        ) from None


def _forget_others(folder: Path, version: int) -> None:
    """A volume that outlived another version must not fill up."""
    for entry in folder.glob("*"):
        if entry.name.removesuffix(".json").partition("-")[0] != str(version):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _patiently(act: Callable[[], Path], patience: float) -> Path:
    until, pause = time.monotonic() + patience, _FIRST_PAUSE
    while True:
        try:
            return act()
        except TemporaryError as error:
            if time.monotonic() + pause > until:
                raise
            sys.stderr.write(f"{error.message} ({error.given}); again in {pause:g} s\n")
            sys.stderr.flush()
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _number(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise UserError(
        "a version is fetched by its number",
        given=text,
        allowed="1, 2, 3, ...",
        next_step="resolve the alias once, before the pods are started: mizzen models list",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mizzen_serving.fetch_model", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", required=True)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--patience", type=float, default=120.0)
    return parser


if __name__ == "__main__":
    guard_streams()
    sys.exit(main())
