"""Loading functions out of a bundle without touching what other code can import.

The modules of a bundle live under a private package named after their content and folder. Their own
absolute imports (`import helper`) are answered from the bundle first, so that the modules
`model` of two bundles exist side by side in one process and neither shadows a library.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from mizzen.adapters.bundle.archive import digest_of
from mizzen.adapters.bundle.environment import PREFIX, confine
from mizzen.errors import InvalidProject


def load_function(code: Path, ref: str) -> Callable[..., Any]:
    """The function `module:function` of the bundle unpacked in `code` (or a project folder).

    Raises:
        InvalidProject: no such module or function, or the module cannot be imported.
    """
    module_name, _, function_name = ref.partition(":")
    module = _module(code, module_name)
    function = getattr(module, function_name, None)
    if not callable(function):
        here = module.__name__
        own = [n for n, v in vars(module).items() if getattr(v, "__module__", None) == here]
        raise InvalidProject(
            f"{_file(module_name)} has no function {function_name!r}",
            allowed=", ".join(sorted(own)) or "nothing: it defines no function",
            next_step=f"define {function_name} in {_file(module_name)} or fix mizzen.yaml",
        )
    return function  # type: ignore[no-any-return]


def read_from_bundle(error: Exception, code: Path) -> str | None:
    """What to do about a file that the project's code looked for beside itself; None when the
    error is another. A bundle holds Python files alone."""
    if not isinstance(error, FileNotFoundError) or error.filename is None:
        return None
    looked = Path(os.path.abspath(os.fsdecode(error.filename)))  # noqa: PTH100 (it is not there)
    if not looked.is_relative_to(code):
        return None
    return (
        f"the code runs from a copy of its Python files: open {str(looked.relative_to(code))!r} "
        "by that path from the project's folder, not from __file__, in the function of "
        "`data.source.python`, and list it in `data.source.inputs`"
    )


def forget(code: Path) -> None:
    """Let the modules of the bundle be executed again when they are next asked for."""
    package = _package(code)
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        del sys.modules[name]


def _module(code: Path, name: str) -> ModuleType:
    package = _package(code)
    if not _holds(code, name):
        known = sorted(path.stem for path in code.glob("*.py"))
        raise InvalidProject(
            f"no file {_file(name)} in the project",
            allowed=", ".join(f"{stem}.py" for stem in known) or "nothing: no Python file",
            next_step=f"write {_file(name)} beside mizzen.yaml or fix mizzen.yaml",
        )
    try:
        return importlib.import_module(f"{package}.{name}")
    except Exception as error:
        raise InvalidProject(
            f"{_file(name)} cannot be imported: {type(error).__name__}: {error}",
            next_step=read_from_bundle(error, code) or _advice(name, error),
        ) from error


def _advice(name: str, error: Exception) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is None or missing.startswith(PREFIX):
        return f"fix {_file(name)}"
    return f"install what provides {missing}, and name it in `dependencies` of mizzen.yaml"


def _package(code: Path) -> str:
    # Of content and place: a copy elsewhere may outlive this one, whose files may go.
    name = PREFIX + sha256(f"{code.resolve()}/{digest_of(code)}".encode()).hexdigest()[:20]
    if name not in sys.modules:
        confine(name, code)
        package = ModuleType(name)
        package.__path__ = [str(code)]
        sys.modules[name] = package
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    return name


def _holds(code: Path, name: str) -> bool:
    place = code.joinpath(*name.split("."))
    return place.with_name(f"{place.name}.py").is_file() or any(place.glob("*.py"))


def _file(module: str) -> str:
    return module.replace(".", "/") + ".py"


class _Finder(MetaPathFinder):
    """Finds modules below a bundle's package; everything else is left to the others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, below = fullname.partition(".")
        if not package.startswith(PREFIX) or not below or not path:
            return None
        for parent in map(Path, path):
            name = fullname.rpartition(".")[2]
            file, folder = parent / f"{name}.py", parent / name
            if file.is_file():
                return _spec(fullname, file, package)
            if (folder / "__init__.py").is_file():
                return _spec(fullname, folder / "__init__.py", package, folder)
            if folder.is_dir():
                spec = ModuleSpec(fullname, None, is_package=True)
                spec.submodule_search_locations = [str(folder)]
                return spec
        return None


def _spec(fullname: str, file: Path, package: str, folder: Path | None = None) -> ModuleSpec | None:
    return importlib.util.spec_from_file_location(
        fullname,
        file,
        loader=_Loader(fullname, str(file), package),
        submodule_search_locations=None if folder is None else [str(folder)],
    )


class _Loader(SourceFileLoader):
    """Runs a module with an `import` that looks into its bundle first."""

    def __init__(self, fullname: str, path: str, package: str) -> None:
        super().__init__(fullname, path)
        self._package = package

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Writes no byte code: a bundle's folder holds what its digest says, nothing else."""

    def exec_module(self, module: ModuleType) -> None:
        own = dict(vars(builtins))
        own["__import__"] = _importer(self._package)
        module.__dict__["__builtins__"] = own
        super().exec_module(module)


def _importer(package: str) -> Callable[..., Any]:
    root = Path(sys.modules[package].__path__[0])

    def bundle_import(
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 (the signature of __import__)
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top = name.partition(".")[0]
        if level or not _holds(root, top):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        inner = importlib.import_module(f"{package}.{name}")
        if not fromlist:
            return sys.modules[f"{package}.{top}"]
        return builtins.__import__(f"{package}.{name}", globals, locals, fromlist, 0) or inner

    return bundle_import
