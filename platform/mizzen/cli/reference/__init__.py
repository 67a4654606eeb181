"""The reference pages that are made from the code: commands, fields, errors,
the Python API.

`python -m mizzen.cli.reference [FOLDER]` writes them (`make generate` calls that); a test holds the
committed pages equal.
"""

from collections.abc import Callable
from pathlib import Path

from mizzen.cli.reference.commands import commands_page
from mizzen.cli.reference.errors import errors_page
from mizzen.cli.reference.fields import fields_page
from mizzen.cli.reference.python_api import python_api_page

FOLDER = Path("docs/reference")
PAGES: dict[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "spec.md": fields_page,
    "errors.md": errors_page,
    "python-api.md": python_api_page,
}


def write(folder: Path = FOLDER) -> list[Path]:
    """Write every page into `folder`."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")
    return [folder / name for name in PAGES]
