"""The whole way of a model on the cluster, by charts alone: installed, served, shadowed, shifted,
upgraded, rolled back, watched, gone. All of it with the charts' network policies in force."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scenario import story
from scenario.denied_client import let_in
from scenario.inside import page_in
from scenario.load import Request, shared
from scenario.stage import strike_stage
from scenario.story import Scenario, Scene
from testnode.eventually import eventually
from testnode.kubectl import Kubectl
from testnode.node.bootstrap import NAMESPACE
from testnode.places import EXAMPLES

SCENARIO = Scenario("diabetes", versions=((), ("--set", "trainer.seed=2")), traffic=("", ""))
ROW = json.dumps(dict.fromkeys(
    ("age", "bmi", "blood_pressure", "cholesterol", "ldl", "hdl", "cholesterol_ratio",
     "triglycerides", "glucose"), 30.0) | {"sex": "male"}).encode()  # fmt: skip


@pytest.fixture
def scene(
    policies: None,
    kubectl: Kubectl,
    with_addon: Callable[[str], None],
    with_image: Callable[[str], str],
    tmp_path: Path,
) -> Iterator[Scene]:
    for name in story.IMAGES:
        with_image(name)
    with_addon("envoy-gateway")
    made = story.install(kubectl, f"journey-{secrets.token_hex(3)}", SCENARIO, tmp_path)
    yield made
    made.model.uninstall()
    made.platform.uninstall()
    strike_stage(made.stage)


def test_a_model_goes_its_whole_way_by_values_of_charts(scene: Scene) -> None:
    assert EXAMPLES.joinpath(SCENARIO.example).is_dir()
    first, second = story.train(scene, SCENARIO)
    assert [v["number"] for v in scene.laptop.mizzen("models", "list")["versions"]] == [1, 2]

    story.serve(scene, SCENARIO, first)
    assert "Succeeded" in scene.model.test()
    assert predicted(scene, 50) == {str(first): 50}
    for place in (NAMESPACE, scene.stage.namespace):
        asked = let_in(scene.stage.kubectl, place, scene.stage.namespace)
        assert len(asked) >= len(("api", "mlflow", "model"))
        assert set(asked.values()) == {False}
    assert True in let_in(scene.stage.kubectl, NAMESPACE, "envoy-gateway-system").values()

    story.shadow(scene, second)
    before = shadowed(scene)
    predicted(scene, 50)
    eventually(lambda: shadowed(scene) == before + 50)
    story.change(scene, candidate={"weight": 10, "mirror": False})
    eventually(lambda: story.shares(scene, 100)[f"version {second}"] == 10)
    answers = story.shares(scene)
    assert shared(answers, {f"version {first}": 900, f"version {second}": 100}), answers

    story.change(scene, model={"version": second}, candidate={"version": None, "weight": 0})
    assert predicted(scene, 50) == {str(second): 50}
    scene.model.rollback()
    eventually(
        lambda: story.shares(scene, 100) == {f"version {first}": 90, f"version {second}": 10}
    )

    champion = scene.laptop.mizzen("models", "list")["champion"]["version"]
    scene.model.uninstall()  # the log leaves with the pods
    windows = story.watch(scene, SCENARIO)
    assert {window["version"] for window in windows} == {champion}
    drift = next(window for window in windows if window["kind"] == "drift")
    assert drift["figures"]["rows"] >= 50


def predicted(scene: Scene, times: int) -> dict[str, int]:
    """Which version answers predictions."""
    read = lambda body: str(json.loads(body)["version"])  # noqa: E731
    how = {"method": "POST", "body": ROW, "headers": {"content-type": "application/json"}}
    request = Request(scene.gateway, f"/{SCENARIO.example}/predict", read, **how)  # type: ignore[arg-type]
    return dict(request.times(times))


def shadowed(scene: Scene) -> int:
    """Copies that the candidate answered."""
    where = ("deployment/diabetes-candidate", scene.stage.namespace)
    metrics = "http://127.0.0.1:3000/metrics"
    page = page_in(scene.stage.kubectl, *where, metrics, container="serving")
    lines = (line for line in page.splitlines() if line.startswith("mizzen_serving_rows_total"))
    return int(sum(float(line.split()[-1]) for line in lines))
