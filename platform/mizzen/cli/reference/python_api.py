"""`python-api.md`: what notebooks use, from the signatures and docstrings of `mizzen.project`.

Each method stands under the task that it serves; a test holds that none is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mizzen
from mizzen.cli.reference.docstrings import read_docstring
from mizzen.cli.reference.errors import tree
from mizzen.cli.reference.members import function_of, member_part
from mizzen.cli.reference.records import record_part, records_of
from mizzen.errors import MizzenError
from mizzen.project import Project, Run

_HEAD = """\
# Python API

Generated from signatures and docstrings by `python -m mizzen.cli.reference`. What the `mizzen`
command does is one call of a `Project`; notebooks and scripts make the same calls.

```console
$ mizzen init sales
made ...
next: cd ... && mizzen check --data && mizzen run
```

```python title=look.py
import mizzen

project = mizzen.Project.open("sales")
for finding in project.check():
    print(finding.level, finding.subject)
print(project.runs(), project.champion())
try:
    project.promote(1, reason="first model")
except mizzen.MizzenError as error:
    print(type(error).__name__, "-", error.message)
```

```console
$ python look.py
ok mizzen.yaml
...
[] None
NotFound - sales has no version 1
```

`project.run()` trains; [a notebook](../tutorials/compare-runs.ipynb) submits, follows and compares
runs.

- An **instant** is ISO 8601 text with a zone (`2013-06-01T00:00:00-04:00`); a date alone is
  midnight UTC. A window is half open: `start` belongs to it, `end` does not.
- A **version** is the number of a registered model. Where it is left out, the champion is meant.
- A **run id** may be given by an unambiguous beginning of it.
- `on_event` (`OnEvent`) is called in this process with each `StepEvent` of a run.
- Any call may raise a [`MizzenError`](errors.md); below a call are those that it is known for.

| exported | meaning |
|---|---|
"""
_ERRORS = """\
## Errors

Each has `message`, `given`, `allowed`, `next_step`, and `retryable`: whether trying again can help.
`as_dict()` is the same as JSON-ready values. [Errors](errors.md) says what each means. Below
`mizzen.MizzenError`, in `mizzen.errors`, are:
"""
_RECORDS = """\
## Records

What calls return and `on_event` gets: values of the moment at which they were read, not to be
changed.
"""


@dataclass(frozen=True, slots=True)
class Task:
    """What somebody wants to do, and the members of `owner` that do it."""

    title: str
    owner: type
    names: str

    def call(self, name: str) -> str:
        """A member as a caller writes it; `open` is the class's."""
        kind = self.owner.__name__
        return f"mizzen.{kind}.{name}" if name == "open" else f"{kind.lower()}.{name}"

    def members(self) -> Iterator[tuple[str, Any]]:
        """Name -> the member, as the class holds it."""
        for name in self.names.split():
            yield name, inspect.getattr_static(self.owner, name)


TASKS = (
    Task("Project", Project, "open name folder check doctor demo"),
    Task(
        "Runs",
        Project,
        "run submit runs run_info logs resume cancel compare predict_batch prune_cache",
    ),
    Task("One run", Run, "id state record steps figures version follow wait check logs"),
    Task(
        "Models",
        Project,
        "models champion promotions evaluations register promote reconcile load_model package "
        "export_onnx",
    ),
    Task("Serving", Project, "up down status serve served predict replay"),
    Task(
        "Monitoring",
        Project,
        "label label_many drift tick windows newest_quality pending_alarms controller "
        "controller_round controller_status",
    ),
    Task(
        "Retraining",
        Project,
        "retrain request_retraining retraining_requests decisions reset_breaker lift_freeze",
    ),
    Task(
        "Features",
        Project,
        "feature_versions stale_features notes_on_features refresh_features prune_features",
    ),
)


def python_api_page() -> str:
    """The whole page."""
    parts = [_HEAD + "\n".join(_exports()) + "\n"]
    for task in TASKS:
        parts.append(f"## {task.title}\n")
        parts += [member_part(task.call(name), member) for name, member in task.members()]
    names = "".join(f"- `{error.__name__}`\n" for error, _ in list(tree(MizzenError))[1:])
    return "\n".join([*parts, _ERRORS, names, _RECORDS, *map(record_part, records())])


def records() -> list[type]:
    """The records that the members name, and those that these name in turn."""
    functions = [function_of(member) for task in TASKS for _, member in task.members()]
    return sorted(records_of(functions), key=lambda record: record.__name__)


def _exports() -> Iterator[str]:
    for name in mizzen.__all__:
        value = getattr(mizzen, name)
        said = read_docstring(value).text if isinstance(value, type) else "The version of Mizzen."
        yield f"| `mizzen.{name}` | {said.partition(chr(10))[0]} |"
