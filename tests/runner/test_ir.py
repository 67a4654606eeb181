"""The compiled pipeline read into a plan. No postponed annotations: KFP reads them."""

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mizzen.adapters.kfp.compiler import compile_pipeline, parse
from mizzen.core.ir import read
from mizzen.core.plan import (
    Constant,
    OneOf,
    Output,
    Parameter,
    Plan,
    Pool,
    Resources,
    Retry,
    Task,
    Text,
)
from mizzen.core.plan_json import from_json, to_json
from mizzen.errors import InvalidProject, Unsupported


@pytest.fixture(scope="module")
def pipelines() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        import diamond

        yield diamond


@pytest.fixture(scope="module")
def ir(pipelines: ModuleType) -> dict[str, Any]:
    return parse(compile_pipeline(pipelines.diamond))


@pytest.fixture
def plan(ir: dict[str, Any]) -> Plan:
    return read(ir)


def compiled(function: Callable[..., Any]) -> dict[str, Any]:
    from kfp import dsl

    return parse(compile_pipeline(dsl.pipeline(name="made")(function)))


def test_groups_become_a_flat_graph_in_order(plan: Plan) -> None:
    assert {task.name for task in plan.tasks} == {
        "make",
        "double",
        "double-2",
        "join",
        *("note", "note-2", "note-3", "note-4", "note-5"),
    }
    order = [task.name for task in plan.tasks]
    for task in plan.tasks:
        assert all(order.index(need) < order.index(task.name) for need in task.needs)
    assert plan.task("join").needs == {"make", "double", "double-2"}


def test_inputs_are_constants_arguments_outputs_and_texts(plan: Plan) -> None:
    join = plan.task("join")
    assert plan.task("make").inputs["number"] == Parameter("number")
    assert plan.task("make").inputs["options"] == Constant({"depth": 3, "rate": 0.5})
    assert join.inputs["left"] == Output("double", "part")
    assert join.artifacts_in == ("left", "right")
    assert join.inputs["text"] == Text(
        (Constant("for "), Parameter("who"), Constant(": "), Output("make", "name"))
    )


def test_whole_numbers_arrive_as_integers(plan: Plan) -> None:
    options = plan.task("make").inputs["options"]
    assert isinstance(options, Constant)
    assert json.dumps(options.value) == '{"depth": 3, "rate": 0.5}'
    assert plan.task("double-2").inputs["number"] == Constant(10)
    assert plan.arguments[0].default == 3


def test_conditions_of_all_groups_around_a_task_apply(plan: Plan) -> None:
    assert len(plan.task("note").conditions) == 1
    inner = plan.task("note-2").conditions
    assert [list(condition.inputs.values()) for condition in inner] == [
        [Output("make", "fine")],
        [Output("make", "share")],
    ]
    assert plan.task("note-2").inputs["text"] == Constant("nothing")


def test_one_of_reads_the_branches_in_order(plan: Plan) -> None:
    assert plan.task("note-5").inputs["text"] == OneOf(
        (Output("note", "Output"), Output("note-3", "Output"), Output("note-4", "Output"))
    )


def test_static_loops_are_unrolled_and_limited(pipelines: ModuleType) -> None:
    plan = read(parse(compile_pipeline(pipelines.looped)))
    assert [task.inputs["text"] for task in plan.tasks] == [Constant(x) for x in "abc"]
    assert {task.pools for task in plan.tasks} == {(Pool("for-loop-2", 2),)}


def test_what_a_task_asks_for_is_read(pipelines: ModuleType) -> None:
    def asking() -> None:
        task = pipelines.named(pipelines.note(text="x"), "plain_note")
        task.set_cpu_request("2").set_memory_request("3Gi").set_cpu_limit("4")
        task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2)
        task.set_retry(3, "2s", 1.5, "60s").set_caching_options(False)
        task.set_env_variable("MIZZEN_TIMEOUT", "90").set_env_variable("COLOUR", "red")

    task = read(compiled(asking)).tasks[0]
    assert task.step == "diamond_steps:plain_note"
    assert task.resources == Resources(2.0, 3 * 2**30, "nvidia.com/gpu", 2)
    assert task.retry == Retry(3, 2.0, 1.5, 60.0)
    assert (task.timeout, task.cache, task.environment) == (90.0, False, {"COLOUR": "red"})
    assert task.image == "mizzen/core:test"


def test_a_plan_survives_its_file(plan: Plan) -> None:
    assert from_json(json.loads(json.dumps(to_json(plan)))) == plan


def test_equal_pipelines_have_equal_plans_with_equal_text(ir: dict[str, Any]) -> None:
    assert repr(read(ir)) == repr(read(json.loads(json.dumps(ir))))


def test_nested_pipelines_are_flattened_with_names_of_their_own(pipelines: ModuleType) -> None:
    from kfp import dsl

    @dsl.pipeline(name="inner")
    def inner(text: str) -> str:
        return pipelines.named(pipelines.note(text=text), "plain_note").output

    def outer() -> None:
        first = inner(text="a")
        second = inner(text=first.output)
        pipelines.named(pipelines.note(text=second.output), "plain_note")

    plan = read(compiled(outer))
    assert len(plan.tasks) == 3
    assert [len(task.needs) for task in plan.tasks] == [0, 1, 1]


@pytest.mark.parametrize(
    ("construct", "message"),
    [
        ("exit handler", "dsl.ExitHandler"),
        ("dynamic loop", "a value that only a run knows"),
        ("item's field", "a field of a loop's item"),
        ("collected", "dsl.Collected"),
        ("importer", "importer"),
        ("no step", "names no plain function"),
        ("placeholder", "a placeholder other than of an input"),
        ("ignored failure", "ignore_upstream_failure"),
    ],
)
def test_what_no_runner_does_is_an_error_that_names_it(
    pipelines: ModuleType, construct: str, message: str
) -> None:
    with pytest.raises(Unsupported, match=message):
        read(compiled(_with(pipelines, construct)))


def _with(pipelines: ModuleType, construct: str) -> Callable[..., Any]:
    from kfp import dsl

    def note(text: Any) -> Any:
        return pipelines.named(pipelines.note(text=text), "plain_note")

    @dsl.component(base_image="x", install_kfp_package=False)
    def items() -> list[str]:
        return []

    @dsl.component(base_image="x", install_kfp_package=False)
    def count(texts: list[str]) -> None:
        pass

    def pipeline() -> None:
        match construct:
            case "exit handler":
                with dsl.ExitHandler(note("bye")):
                    note("hello")
            case "dynamic loop":
                listed = pipelines.named(items(), "plain_note")
                with dsl.ParallelFor(items=listed.output) as item:
                    note(item)
            case "item's field":
                with dsl.ParallelFor(items=[{"a": "x"}]) as item:
                    note(item.a)
            case "collected":
                with dsl.ParallelFor(items=["x"]) as item:
                    inner = note(item)
                pipelines.named(count(texts=dsl.Collected(inner.output)), "plain_note")
            case "importer":
                dsl.importer("s3://somewhere", dsl.Dataset, False)
            case "no step":
                pipelines.note(text="x")
            case "placeholder":
                note(dsl.PIPELINE_JOB_ID_PLACEHOLDER)
            case "ignored failure":
                first = note("x")
                note(first.output).ignore_upstream_failure()

    return pipeline


def test_platform_settings_are_refused(ir: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="platform settings"):
        read({**ir, "platforms": {"kubernetes": {}}})


def test_a_plan_with_a_circle_or_a_gap_is_refused() -> None:
    a = Task("a", "m:f", {"x": Output("b", "y")})
    b = Task("b", "m:f", {"x": Output("a", "y")})
    with pytest.raises(InvalidProject, match="circle"):
        Plan("p", (a, b))
    with pytest.raises(InvalidProject, match="not in the pipeline"):
        Plan("p", (a,))


def test_reading_a_plan_imports_no_kfp() -> None:
    import subprocess

    code = "import sys, mizzen.core.ir; print('kfp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert importlib.util.find_spec("kfp") is not None
