"""templates/autoscaling.yaml and disruption.yaml."""

from __future__ import annotations

from typing import Any

from .rendering import Helm, Object

ONE: dict[str, Any] = {"model": {"version": 1}}


def test_pods_scale_only_when_that_is_asked_for(model: Helm) -> None:
    assert model.render(ONE).of("HorizontalPodAutoscaler") == {}


def test_every_version_scales_by_the_container_that_answers(
    model: Helm, everything: Object
) -> None:
    objects = model.render({**everything, "autoscaling": {"enabled": True}})
    scalers = objects.of("HorizontalPodAutoscaler")
    targets = {name: scaler["spec"]["scaleTargetRef"]["name"] for name, scaler in scalers.items()}
    assert targets == {name: name for name in objects.of("Deployment")}
    for scaler in scalers.values():
        [metric] = scaler["spec"]["metrics"]
        assert metric["containerResource"]["container"] == "serving"


def test_a_single_pod_does_not_keep_its_node_from_being_emptied(model: Helm) -> None:
    budget = model.render(ONE).one("PodDisruptionBudget", "flights-stable")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert "minAvailable" not in budget


def test_a_budget_may_be_left_out(model: Helm) -> None:
    values = {**ONE, "disruption": {"enabled": False}}
    assert model.render(values).of("PodDisruptionBudget") == {}


def test_pods_of_a_version_are_spread(model: Helm, everything: Object) -> None:
    for deployment in model.render(everything).of("Deployment").values():
        template = deployment["spec"]["template"]
        for constraint in template["spec"]["topologySpreadConstraints"]:
            wanted = constraint["labelSelector"]["matchLabels"]
            assert wanted.items() <= template["metadata"]["labels"].items()
