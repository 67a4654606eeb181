"""The pipelines that Mizzen makes of a description, and the compiled ones that are committed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.kfp.compiler import parse
from mizzen.core.carried import label_text, pack_structure
from mizzen.core.ir import read
from mizzen.core.ir_task import whole
from mizzen.core.plan import Constant, Output, Parameter, Resources, Retry
from mizzen.errors import InvalidProject, UserError
from mizzen.spec import ProjectSpec, load_project
from mizzen_pipelines.compile import KINDS, compile_text, compiled, examples, plan
from mizzen_pipelines.sections import section

ROOT = Path(__file__).parents[2] / "pipelines"
EXAMPLES = [path.parent.name for path in sorted((ROOT / "examples").glob("*/mizzen.yaml"))]


def test_training_runs_from_rows_to_a_registered_model(spec: ProjectSpec, tmp_path: Path) -> None:
    training = plan(spec, "training", tmp_path)
    assert {task.name: task.step for task in training.tasks} == {
        name: f"mizzen_components.{name}:run"
        for name in (
            *("snapshot", "validate", "features", "preprocess"),
            *("baseline", "train", "evaluate", "register"),
        )
    }
    assert training.task("features").needs == {"snapshot", "validate"}
    assert training.task("train").needs == training.task("baseline").needs == {"preprocess"}
    joined = {"snapshot", "features"}  # a champion needs them whose features are others
    assert training.task("evaluate").needs == {"preprocess", "train", *joined}
    (condition,) = training.task("register").conditions
    assert list(condition.inputs.values()) == [Output("evaluate", "registrable")]


def test_what_differs_between_runs_is_a_parameter(spec: ProjectSpec, tmp_path: Path) -> None:
    training = plan(spec, "training", tmp_path)
    assert {argument.name for argument in training.arguments if argument.required} == {
        "code",
        "source_digest",
    }
    assert training.task("train").inputs["code"] == Parameter("code")
    assert training.task("evaluate").inputs["champion"] == Parameter("champion")


def test_sections_are_compiled_in_as_they_were_written(spec: ProjectSpec, tmp_path: Path) -> None:
    evaluate = plan(spec, "training", tmp_path).task("evaluate")
    project = evaluate.inputs["project"]
    assert isinstance(project, Constant)
    assert ProjectSpec.model_validate(project.value) == spec
    assert json.dumps(project.value["trainer"]["parameters"], sort_keys=True) == (
        '{"learning_rate": 0.1, "num_leaves": 7}'
    )


HOSTILE = [
    "{{workflow.serviceAccountName}}",
    "{{inputs.parameters.code}}",
    "{{channel:task=;name=code;type=STRING;}}",
    "{{$.inputs.parameters['code']}}",
    "a {{{b}}} c",
    "}}{{",
    "{{=sprig.env('HOME')}}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_user_is_no_template_of_an_engine(
    project: Path, tmp_path: Path, text: str
) -> None:
    """Argo and KFP replace what stands in double braces, and know no escape for it."""
    (project / "mizzen.yaml").write_text(
        (project / "mizzen.yaml").read_text() + f"description: {json.dumps(text)}\n"
    )
    arguments = {"column": text, "value_set": [text]}
    changes = {
        "expectations": [{"expect": "ExpectColumnValuesToBeInSet", "arguments": arguments}],
        "trainer.parameters": {"nested": {text: [text]}},
    }
    spec = load_project(project, changes)
    for kind in KINDS:
        assert text not in compile_text(spec, kind)
    training = plan(spec, "training", tmp_path)
    told = {name: training.task(name).inputs for name in ("evaluate", "validate", "train")}
    assert ProjectSpec.model_validate(told["evaluate"]["project"].value) == spec  # type: ignore[union-attr]
    assert told["validate"]["expectations"].value[0]["arguments"] == arguments  # type: ignore[union-attr]
    assert told["train"]["trainer"].value["parameters"] == {"nested": {text: [text]}}  # type: ignore[union-attr]


@settings(max_examples=50, derandomize=True)
@given(st.text(alphabet="{}ab $=.", max_size=12))
def test_no_structure_holds_double_braces_on_its_way(text: str) -> None:
    document = {"key " + text: [text, {"deep": text}]}
    carried = pack_structure(document)
    assert all("{{" not in part and "}}" not in part for part in _texts(carried))
    assert whole(carried) == document
    assert "{{" not in label_text(text)


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def test_an_integer_that_no_double_holds_arrives_whole(project: Path, tmp_path: Path) -> None:
    spec = load_project(project, {"trainer.parameters": {"seed": 2**63 + 1}})
    trainer = plan(spec, "training", tmp_path).task("train").inputs["trainer"]
    assert isinstance(trainer, Constant)
    assert trainer.value["parameters"] == {"seed": 2**63 + 1}


def test_the_trainers_resources_are_asked_for(spec: ProjectSpec, tmp_path: Path) -> None:
    train = plan(spec, "training", tmp_path).task("train")
    assert train.resources == Resources(2.0, 2**30)
    assert train.retry == Retry(2, 1.0, 2.0, 60.0)
    assert train.timeout == 600.0
    assert train.environment["MIZZEN_LIBRARIES"] == "lightgbm,numpy,pandas,pyarrow"


def test_steps_that_talk_to_a_service_say_so(spec: ProjectSpec, tmp_path: Path) -> None:
    tasks = [
        task
        for kind in ("training", "batch-inference")
        for task in plan(spec, kind, tmp_path).tasks
    ]
    services = {task.name: task.environment.get("MIZZEN_SERVICES", "") for task in tasks}
    assert {name: text for name, text in services.items() if text} == {
        "snapshot": "data_store",
        "features": "feature_store",
        "evaluate": "tracking",
        "register": "tracking",
        "predict": "tracking",
    }


def test_processes_share_the_machine_and_gpus_and_nodes_are_asked_for(
    project: Path, tmp_path: Path
) -> None:
    asked = {"cpu": 2, "processes_per_node": 3, "nodes": 2, "gpu": {"count": 1}}
    spec = load_project(project, {"trainer.resources": asked})
    train = plan(spec, "training", tmp_path).task("train")
    assert (train.resources.cpu, train.resources.accelerators) == (6.0, 1)
    assert train.environment["MIZZEN_THREADS"] == "2"
    assert train.environment["MIZZEN_NODES"] == "2"


def test_another_timeout_does_not_change_what_train_is_told(project: Path, tmp_path: Path) -> None:
    plans = [
        plan(load_project(project, {"trainer.timeout": timeout}), "training", tmp_path)
        for timeout in ("1h", "2h")
    ]
    first, second = (p.task("train").inputs["trainer"] for p in plans)
    assert first == second
    assert [p.task("train").timeout for p in plans] == [3600.0, 7200.0]


def test_batch_inference_predicts_a_window_with_a_version(
    spec: ProjectSpec, tmp_path: Path
) -> None:
    batch = plan(spec, "batch-inference", tmp_path)
    assert [task.name for task in batch.tasks] == ["snapshot", "features", "predict"]
    assert batch.task("predict").inputs["model_version"] == Parameter("model_version")


def test_an_image_of_the_profile_replaces_the_default(spec: ProjectSpec, tmp_path: Path) -> None:
    with_image = plan(spec, "training", tmp_path, image="acme/steps:7")
    assert {task.image for task in with_image.tasks} == {"acme/steps:7"}
    default = {task.image for task in plan(spec, "training", tmp_path).tasks}
    assert default == {f"mizzen/tabular:{version('mizzen')}"}


def test_only_the_steps_that_need_torch_run_in_its_image(spec: ProjectSpec, tmp_path: Path) -> None:
    trainer = spec.trainer.model_copy(update={"kind": "torch"})
    tasks = plan(spec.model_copy(update={"trainer": trainer}), "training", tmp_path).tasks
    in_torch = {task.name for task in tasks if task.image.startswith("mizzen/torch:")}
    assert in_torch == {"train", "evaluate"}


def test_an_unknown_pipeline_lists_the_known_ones(spec: ProjectSpec) -> None:
    with pytest.raises(UserError) as caught:
        compile_text(spec, "serving")
    assert caught.value.allowed == "training, batch-inference"


def test_a_description_is_compiled_once(project: Path, tmp_path: Path) -> None:
    spec = load_project(project)
    first = compiled(spec, "training", tmp_path)
    (file,) = tmp_path.glob("tiny-training-*.json")
    file.write_text(json.dumps({**first, "marked": True}))
    assert compiled(spec, "training", tmp_path)["marked"] is True
    other = load_project(project, {"gate.margin": 0.5})
    assert "marked" not in compiled(other, "training", tmp_path)


def test_a_torn_compiled_file_is_compiled_again(spec: ProjectSpec, tmp_path: Path) -> None:
    first = compiled(spec, "training", tmp_path)
    (file,) = tmp_path.glob("tiny-training-*.json")
    file.write_text(file.read_text()[:100])
    assert compiled(spec, "training", tmp_path) == first


def test_a_compiled_plan_is_read_without_importing_kfp(project: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from mizzen.spec import load_project\n"
        "from mizzen_pipelines.compile import plan\n"
        "plan(load_project(Path(sys.argv[1])), 'training', Path(sys.argv[2]))\n"
        "print(sorted({'kfp', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    plan(load_project(project), "training", tmp_path)
    command = [sys.executable, "-c", code, str(project), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nulls_of_a_description_are_left_out_and_in_lists_refused(project: Path) -> None:
    spec = load_project(project, {"trainer.parameters": {"a": None, "b": [1, {"c": None}]}})
    assert section(spec.trainer)["parameters"] == {"b": [1, {}]}
    broken = load_project(project, {"trainer.parameters": {"a": [None]}})
    with pytest.raises(InvalidProject, match="a list holds a null"):
        section(broken.trainer)


def test_every_example_is_compiled_and_committed_as_the_code_makes_it() -> None:
    made = dict(examples(ROOT / "examples"))
    committed = {file.name: file for file in (ROOT / "compiled").glob("*.yaml")}
    assert sorted(made) == sorted(committed), "run: make generate"
    for name, text in made.items():
        assert committed[name].read_text() == text, f"{name} differs; run: make generate"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_committed_pipeline_can_be_planned(name: str, kind: str) -> None:
    spec = load_project(ROOT / "examples" / name)
    text = (ROOT / "compiled" / f"{spec.name}-{kind}.yaml").read_text()
    assert read(parse(text)).tasks[0].name == "snapshot"
