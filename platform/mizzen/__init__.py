"""Mizzen: one project description, from validation to retraining.

    import mizzen

    project = mizzen.Project.open("my-project")
    run = project.run()
    print(run.state, run.figures)

What the `mizzen` command does is one call of a `Project`. Importing this loads no library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mizzen.errors import MizzenError
    from mizzen.project import Project, Run

__version__ = "0.1.0"
__all__ = ["MizzenError", "Project", "Run", "__version__"]
_HOMES = {"MizzenError": "mizzen.errors", "Project": "mizzen.project", "Run": "mizzen.project"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mizzen' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
