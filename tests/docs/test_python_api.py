"""The page of the Python API leaves nothing out, and calls raise what it says."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable

import pytest

from mizzen import Project, Run, errors
from mizzen.cli.reference.docstrings import read_docstring
from mizzen.cli.reference.members import function_of
from mizzen.cli.reference.python_api import TASKS, python_api_page
from mizzen.control.scaffold import create

INTERNAL = {"workspace"}  # what front doors pass on
MEMBERS = [(task.call(name), member) for task in TASKS for name, member in task.members()]
NAMES = [name for name, _ in MEMBERS]


@pytest.mark.parametrize("owner", [Project, Run])
def test_every_public_member_is_listed_once(owner: type) -> None:
    listed = [name for task in TASKS if task.owner is owner for name in task.names.split()]
    public = {name for name in vars(owner) if not name.startswith("_")} - INTERNAL
    assert sorted(listed) == sorted(public)


@pytest.mark.parametrize(("name", "member"), MEMBERS, ids=NAMES)
def test_what_a_docstring_names_is_a_parameter_or_an_error(name: str, member: object) -> None:
    function = function_of(member)
    said = read_docstring(function)
    assert said.text
    assert {name for name, _ in said.arguments} <= set(inspect.signature(function).parameters)
    for error, _ in said.errors:
        assert issubclass(getattr(errors, error, None) or getattr(builtins, error), Exception)


def test_the_records_that_calls_return_are_described_with_what_they_hold() -> None:
    page = python_api_page()
    for record in ("RunSummary(RunRecord)", "StepEvent", "Effect", "DecisionRecord"):
        assert f"\nclass {record}:\n" in page
    assert "One of `queued`, `running`," in page
    assert "    is_rollback: bool  # Whether a person" in page


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.open(create(tmp_path_factory.mktemp("project") / "sales"))


CALLS: dict[str, Callable[[Project], object]] = {
    "mizzen.Project.open InvalidProject": lambda p: Project.open(p.folder / "data"),
    "project.run UserError": lambda p: p.run(start="yesterday"),
    "project.runs UserError": lambda p: p.runs(sort="beauty"),
    "project.run_info NotFound": lambda p: p.run_info("20260101"),
    "project.resume NotFound": lambda p: p.resume("20260101"),
    "project.cancel NotFound": lambda p: p.cancel("20260101"),
    "project.compare UserError": lambda p: p.compare(1),
    "project.compare NotFound": lambda p: p.compare(1, 2),
    "project.promote UserError": lambda p: p.promote(1, force=True),
    "project.promote NotFound": lambda p: p.promote(1),
    "project.register UserError": lambda p: p.register("20260101", promote=True),
    "project.register NotFound": lambda p: p.register("20260101"),
    "project.load_model NotFound": lambda p: p.load_model(),
    "project.export_onnx NotFound": lambda p: p.export_onnx(),
    "project.predict_batch NotFound": lambda p: p.predict_batch(),
    "project.package NotFound": lambda p: p.package(),
    "project.predict NotFound": lambda p: p.predict([{}]),
    "project.replay NotFound": lambda p: p.replay(start="2013-01-01", end="2013-01-02"),
    "project.serve NotFound": lambda p: p.serve(),
    "project.label NotFound": lambda p: p.label("nobody", 1.0),
    "project.drift NotFound": lambda p: p.drift(),
    "project.drift UserError": lambda p: p.drift(until="2999-01-01"),
    "project.tick NotFound": lambda p: p.tick(),
    "project.tick UserError": lambda p: p.tick(until="2999-01-01"),
    "project.retrain UserError": lambda p: p.retrain(cause="mood"),
    "project.request_retraining UserError": lambda p: p.request_retraining("merge"),
    "project.refresh_features NotFound": lambda p: p.refresh_features(),
    "project.demo InvalidProject": lambda p: p.demo(),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_raises_the_error_that_its_page_names(call: str, project: Project) -> None:
    name, _, error = call.partition(" ")
    said = read_docstring(function_of(dict(MEMBERS)[name]))
    assert error in dict(said.errors)
    with pytest.raises(getattr(errors, error)):
        CALLS[call](project)
