"""What a compiled pipeline is given before it is submitted: held by a golden file, and read back by
KFP's own parser."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.kfp.compiler import parse, to_yaml
from mizzen.core.inject import SecretKey, Settings, inject
from mizzen.core.ir import read
from mizzen.core.place import Place
from mizzen.errors import UserError
from mizzen.spec.profile import Profile

GOLDEN = Path(__file__).with_name("injected")
COMPILED = Path(__file__).parents[2] / "pipelines" / "compiled"
NAMES = sorted(file.stem for file in COMPILED.glob("*.yaml"))
PLACE = Place(
    "shop",
    Path("/var/mizzen"),
    Profile.model_validate(
        {
            "apiVersion": "mizzen.dev/v1",
            "kind": "Profile",
            "tracking": {"uri": "http://mlflow:5000"},
            "data_store": {"url": "s3://mizzen/data"},
        }
    ),
)
SETTINGS = Settings(
    run_id="20261128-080000-abc123",
    images={"mizzen/tabular:0.1.0": "registry.example/mizzen/tabular@sha256:0a"},
    environment={"COLOUR": "blue", "MIZZEN_PROJECT_DIR": "/project"},
    secrets={"AWS_SECRET_ACCESS_KEY": SecretKey("objects", "secret-key")},
    kubernetes={
        "imagePullPolicy": "IfNotPresent",
        "imagePullSecret": [{"secretName": "registry"}],
        "nodeSelector": {"labels": {"pool": "training"}},
    },
)


def compiled(name: str) -> dict[str, Any]:
    return parse((COMPILED / f"{name}.yaml").read_text())


def env(document: dict[str, Any], executor: str) -> dict[str, str]:
    container = document["deploymentSpec"]["executors"][executor]["container"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


def named(document: dict[str, Any]) -> Any:
    """The document with a word in place of the place, which holds every field of a profile."""
    place = json.dumps(PLACE.to_environment()["MIZZEN_PLACE"])
    return json.loads(json.dumps(document).replace(place, '"PLACE"'))


def test_the_injected_pipeline_is_the_one_that_is_committed() -> None:
    given = parse((GOLDEN / "compiled.yaml").read_text())
    before = deepcopy(given)
    made = inject(given, PLACE, SETTINGS)
    assert given == before, "the pipeline that was given changed"
    assert named(made) == parse((GOLDEN / "injected.yaml").read_text())


def test_kfps_own_parser_reads_both_documents_back() -> None:
    from google.protobuf import json_format
    from kfp import components

    made = inject(parse((GOLDEN / "compiled.yaml").read_text()), PLACE, SETTINGS)
    found = components.load_component_from_text(to_yaml(made))
    pipeline = json_format.MessageToDict(found.pipeline_spec)
    assert pipeline["deploymentSpec"] == made["deploymentSpec"]
    condition = pipeline["root"]["dag"]["tasks"]["condition-1"]["triggerPolicy"]["condition"]
    assert condition == made["root"]["dag"]["tasks"]["condition-1"]["triggerPolicy"]["condition"]
    platforms = json_format.MessageToDict(found.platform_spec)["platforms"]
    asked = platforms["kubernetes"]["deploymentSpec"]["executors"]
    assert asked == made["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


@pytest.mark.parametrize("name", NAMES)
def test_every_step_of_a_compiled_pipeline_finds_its_place(name: str) -> None:
    made = inject(compiled(name), PLACE, SETTINGS)
    for executor in made["deploymentSpec"]["executors"]:
        found = env(made, executor)
        assert Place.from_environment(found) == PLACE
        assert found["MIZZEN_RUN_ID"] == SETTINGS.run_id
        assert found["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("name", NAMES)
def test_injection_changes_no_step_and_is_the_same_a_second_time(name: str) -> None:
    given = compiled(name)
    made = inject(given, PLACE, replace(SETTINGS, secrets={}, kubernetes={}))
    assert parse(to_yaml(made)) == made
    before, after = read(given), read(made)
    assert [(t.name, t.step, t.inputs, t.needs) for t in before.tasks] == [
        (t.name, t.step, t.inputs, t.needs) for t in after.tasks
    ]
    once = inject(given, PLACE, SETTINGS)
    assert inject(once, PLACE, SETTINGS) == once


def test_kfp_takes_no_result_from_its_own_cache() -> None:
    made = inject(compiled("diabetes-training"), PLACE)
    assert not any(task.cache for task in read(made).tasks)


def test_without_settings_kubernetes_is_asked_for_nothing() -> None:
    assert "platforms" not in inject(compiled("diabetes-training"), PLACE)


@pytest.mark.parametrize(
    "address",
    [
        "http://me:hunter2@mlflow:5000",
        "http://token@mlflow:5000",
        "s3://bucket/data?token=abcdef123456",
    ],
)
def test_credentials_are_not_written_into_a_pipeline_but_come_from_a_secret(address: str) -> None:
    profile = PLACE.profile.model_copy(
        update={"tracking": PLACE.profile.tracking.model_copy(update={"uri": address})}
    )
    place = replace(PLACE, profile=profile)
    with pytest.raises(UserError, match="holds credentials") as caught:
        inject(compiled("diabetes-training"), place)
    assert "Secret" in str(caught.value.next_step)
    hidden = Settings(secrets={"MIZZEN_PLACE": SecretKey("place", "json")})
    made = inject(compiled("diabetes-training"), place, hidden)
    assert address not in json.dumps(made)
    assert "MIZZEN_PLACE" not in env(made, "exec-train")
    asked = made["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train"]
    assert asked["secretAsEnv"][0]["keyToEnv"] == [{"secretKey": "json", "envVar": "MIZZEN_PLACE"}]


def test_a_value_that_argo_would_replace_is_refused() -> None:
    leaking = Settings(environment={"GREETING": "{{workflow.serviceAccountName}}"})
    with pytest.raises(UserError, match="GREETING holds double braces"):
        inject(compiled("diabetes-training"), PLACE, leaking)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0{"), max_size=20)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(st.dictionaries(st.sampled_from(["A", "B", "COLOUR"]), TEXT))
def test_a_value_arrives_as_it_was_given(environment: dict[str, str]) -> None:
    given = parse((GOLDEN / "compiled.yaml").read_text())
    made = parse(to_yaml(inject(given, PLACE, Settings(environment=environment))))
    found = env(made, "exec-judge")
    assert environment.items() <= found.items()
    assert len(made["deploymentSpec"]["executors"]["exec-judge"]["container"]["env"]) == len(found)
