"""`python -m mizzen.control.package VERSION`: fetches a registered package; prints its folder."""

from __future__ import annotations

import sys

from mizzen.adapters.table import load
from mizzen.control.reconcile import REGISTRY
from mizzen.control.stack.serving import packages_folder
from mizzen.core.place import Place
from mizzen.errors import MizzenError


def main(version: str) -> int:
    """Fetch the version of the place's project."""
    try:
        place = Place.from_environment()
        registry = load("registry", REGISTRY)(place)
        folder = registry.fetch(place.project, int(version), packages_folder(place))
    except MizzenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
