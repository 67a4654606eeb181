"""Builds one Go part into an empty folder; `build` decides which and where.

Go's caches are our own (places.go_caches), so that they can be deleted after a build without
touching anybody else's work: together they grow past 10 GB.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from testnode import places
from testnode.building.parts import GoPart
from testnode.commands import run


def build_go_part(part: GoPart, target: Path) -> None:
    _restore_links(part)
    _put_ours(part)
    if part.module:
        _build_from_module(part, target)
    else:
        _install_published(part, target)
    _keep_charts(part, target)


def forget_caches() -> None:
    """Only built programs stay; the next build downloads and compiles anew."""
    shutil.rmtree(places.go_caches(), ignore_errors=True)


def _build_from_module(part: GoPart, target: Path) -> None:
    # an index that Go made of the module before we changed it would hide the change
    index = {"GODEBUG": "goindex=0"} if part.links or part.replaced else {}
    for name, package in part.programs.items():
        output = ["-mod=readonly", "-o", str(target / name)]
        argv = ["go", "build", *_flags(part), *output, package]
        run(argv, env=_go_env(index), cwd=places.PARTS / part.module, polite=True)


def _install_published(part: GoPart, target: Path) -> None:
    env = _go_env({"GOBIN": str(target)})
    for name, package in part.programs.items():
        run(["go", "install", *_flags(part), f"{package}@v{part.version}"], env=env, polite=True)
        (target / Path(package).name).rename(target / name)


def _flags(part: GoPart) -> Iterable[str]:
    stamped = [f"-X {variable}=v{part.version}" for variable in part.stamps]
    jobs = os.environ.get("MIZZEN_BUILD_JOBS") or str(os.cpu_count() or 1)
    # without symbol tables (-s -w) the programs take half the disk; not writing for the compiler
    # either what the linker would leave out saves a tenth of the time
    small = ("-gcflags=all=-dwarf=false", "-ldflags", " ".join(["-s -w", *stamped]))
    return ("-p", jobs, "-trimpath", "-buildvcs=false", *small)


def _go_env(more: dict[str, str] | None = None) -> dict[str, str]:
    caches = places.go_caches()
    return {
        "CGO_ENABLED": "0",  # static programs also run in an image made of nothing else
        "GOMODCACHE": str(caches / "modules"),
        "GOCACHE": str(caches / "compiled"),
        "GOFLAGS": "-modcacherw",  # otherwise the module cache cannot be deleted
        "GOTOOLCHAIN": "local",  # a newer Go than the machine's is never fetched behind our back
        **(more or {}),
    }


def _restore_links(part: GoPart) -> None:
    for file, pointed_to in part.links:
        missed = _module_folder(part) / file
        if not missed.exists():
            missed.symlink_to(pointed_to)


def _put_ours(part: GoPart) -> None:
    for file, ours in part.replaced:
        shutil.copyfile(places.PARTS / part.module / ours, _module_folder(part) / file)


def _keep_charts(part: GoPart, target: Path) -> None:
    for chart in part.charts:
        source = _module_folder(part) / chart
        shutil.copytree(source, target / "charts" / Path(chart).name)


def _module_folder(part: GoPart) -> Path:
    """Where the published module lies, checked against our go.sum where the part has one."""
    asked = ["go", "mod", "download", "-json", f"{part.published}@v{part.version}"]
    asking = places.PARTS / part.module if part.module else places.cache()
    return Path(json.loads(run(asked, env=_go_env(), cwd=asking))["Dir"])
