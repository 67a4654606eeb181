"""In a RUN step: the image's bill of materials, CycloneDX 1.6 as JSON, on standard output.

Made from the metadata of what is installed, Python distributions and Debian packages, so it
names what is there and not what was asked for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from email import message_from_string
from importlib.metadata import Distribution, distributions, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

MODULES = "mizzen:modules"
DPKG = Path("/var/lib/dpkg/status")


def bill(image: str) -> dict[str, Any]:
    own = {"type": "container", "bom-ref": "image", "name": image, "version": version("mizzen")}
    parts = [*map(_python, distributions()), *_debian(), _interpreter()]
    unique = {part["bom-ref"]: part for part in parts}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own},
        "components": [unique[reference] for reference in sorted(unique)],
    }


def _python(installed: Distribution) -> dict[str, Any]:
    name = installed.metadata["Name"]
    address = f"pkg:pypi/{name.lower().replace('_', '-')}@{quote(installed.version)}"
    importable = {"name": MODULES, "value": " ".join(modules(installed))}
    return {
        **_part(address, name, installed.version),
        **_licenses(installed),
        "properties": [importable],
    }


def modules(installed: Distribution) -> list[str]:
    """What the distribution lets a program import: top-level names."""
    tops = {file.parts[0] for file in installed.files or () if len(file.parts) > 1}
    tops |= {file.name for file in installed.files or () if len(file.parts) == 1}
    names = {top.partition(".")[0] for top in tops if not top.endswith((".dist-info", ".pth"))}
    return sorted(name for name in names if name.isidentifier() and name != "__pycache__")


def _licenses(installed: Distribution) -> dict[str, Any]:
    expression = installed.metadata.get_all("License-Expression")
    if expression:
        return {"licenses": [{"expression": expression[0]}]}
    classifiers = installed.metadata.get_all("Classifier") or []
    named = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")]
    return {"licenses": [{"license": {"name": name}} for name in named]} if named else {}


def _debian() -> Iterator[dict[str, Any]]:
    if not DPKG.exists():
        return
    for paragraph in DPKG.read_text(encoding="utf-8").strip().split("\n\n"):
        fields = message_from_string(paragraph)
        if fields["Status"].endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            address = f"pkg:deb/debian/{name}@{quote(version)}?arch={fields['Architecture']}"
            yield _part(address, name, version)


def _interpreter() -> dict[str, Any]:
    number = ".".join(map(str, sys.version_info[:3]))
    return _part(f"pkg:generic/python@{number}", "python", number)


def _part(address: str, name: str, number: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": number,
        "purl": address,
    }


if __name__ == "__main__":
    json.dump(bill(sys.argv[1]), sys.stdout, indent=1)
    sys.stdout.write("\n")
