"""What this machine tells pip and uv, handed to the RUN steps as secrets.

A network may have an index, wheel folders and a certificate authority of its own. The steps
that install need them; a layer, the history or an argument must not keep them. Secrets of a
build are mounted for one step and are part of nothing, with buildah and with docker.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LINKS = "/run/links"  # where a step finds the wheel folders of this machine
PREFIXES = ("PIP_", "UV_")
# pip's option -> uv's variable: uv does not read pip's settings by itself
AS_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
}
OF_THIS_MACHINE = {"PIP_CERT", "PIP_CACHE_DIR", "PIP_CONFIG_FILE", "PIP_TARGET", "PIP_PREFIX"}
UV_OF_THIS_MACHINE = {"UV_CACHE_DIR", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT", "UV_CONFIG_FILE"}
AUTHORITIES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def as_environment() -> dict[str, str]:
    """The environment of this process, with pip's settings also under uv's names."""
    found = dict(os.environ)
    for option, variable in AS_UV.items():
        value = _pip_settings().get(option, "").replace("\n", " ").strip()
        if value:
            found.setdefault(variable, value)
    return found


def for_steps() -> str:
    """A shell script that sets what the steps need to reach this machine's index.

    Wheel folders of this machine become `LINKS`, where the build mounts what they hold.
    """
    wanted = {
        name: value
        for name, value in as_environment().items()
        if name.startswith(PREFIXES) and name not in OF_THIS_MACHINE | UV_OF_THIS_MACHINE
    }
    for option in ("index-url", "extra-index-url", "find-links", "trusted-host"):
        if option in _pip_settings():
            wanted.setdefault(f"PIP_{option.upper().replace('-', '_')}", _pip_settings()[option])
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        if name in wanted:
            wanted[name] = " ".join(_in_the_build(wanted[name]))
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(wanted.items()))


def link_folders() -> list[Path]:
    """The wheel folders of this machine that pip is told to look into."""
    places = as_environment().get("UV_FIND_LINKS", "").replace(",", " ").split()
    return [Path(place) for place in places if Path(place).is_dir()]


def authorities(environment: Mapping[str, str] = os.environ) -> str:
    """The certificates that this machine trusts, where a setting names a file; else nothing."""
    named = [environment.get(name, "") for name in AUTHORITIES]
    for name in [*named, _pip_settings().get("cert", "")]:
        if name and Path(name).is_file():
            return Path(name).read_text(encoding="utf-8")
    return ""


def _in_the_build(places: str) -> list[str]:
    """Each folder of this machine under its name in the build; addresses stay."""
    folders = [str(folder) for folder in link_folders()]
    return [
        f"{LINKS}/{folders.index(place)}" if place in folders else place
        for place in places.replace(",", " ").split()
    ]


_known: dict[str, str] = {}


def _pip_settings() -> dict[str, str]:
    """pip's options, from its variables and files: the option without its section."""
    if not _known:
        listed = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            _known[name.rpartition(".")[2]] = value.strip().strip("'\"").replace("\\n", " ")
    return _known
