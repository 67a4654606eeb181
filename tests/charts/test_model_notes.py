"""templates/NOTES.txt: the address, who answers, and what is unsafe."""

from __future__ import annotations

from typing import Any

import pytest

from .rendering import Helm

ONE: dict[str, Any] = {"model": {"version": 1}}
SAFE: dict[str, Any] = {
    **ONE,
    "replicas": 2,
    "server": {"door": {"secret": "callers"}},
    "log": {"ship": {"to": "s3://bucket/flights"}},
    "s3": {"secret": "s3"},
    "network": {"s3": [{"cidr": "10.0.8.0/24", "port": 9000}]},
}
MIRROR: dict[str, Any] = {"version": 2, "mirror": True, "replicas": 2}


def test_the_address_and_the_shares_are_told(model: Helm) -> None:
    notes = model.notes({**ONE, "candidate": {"version": 2, "weight": 10, "mirror": True}})
    assert "version 1 (stable): 90 % of the requests" in notes
    assert "version 2 (candidate): 10 % of the requests, copies of 100 %" in notes
    assert "x-mizzen-version: candidate" in notes
    assert "kubectl get gateway mizzen-gateway --namespace default" in notes
    assert "http://$ADDRESS/flights/readyz" in notes
    assert "helm test flights" in notes


def test_values_that_are_safe_are_not_warned_about(model: Helm) -> None:
    assert "Warnings" not in model.notes(SAFE)
    assert "Warnings" not in model.notes({**SAFE, "candidate": MIRROR})


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({"replicas": 1}, "One replica: while its node is emptied"),
        ({"replicas": 0}, "replicas is 0: nobody answers"),
        ({"autoscaling": {"enabled": True, "minReplicas": 1}}, "--set autoscaling.minReplicas=2"),
        ({"resources": {"limits": {"memory": None}}}, "resources.limits.memory is not set"),
        ({"log": {}}, "The prediction log is not shipped: it is gone with the pod"),
        ({"s3": {}}, "log.ship.to is set and s3.secret is not"),
        ({"network": {"enabled": False}}, "every pod of the cluster may ask"),
        ({"network": {}}, "network.s3 is empty"),
        ({"features": {"store": "postgres", "secret": "pg"}}, "network.features is empty"),
        ({"candidate": {**MIRROR, "replicas": 1}}, "has 1 of the stable version's 2 replicas"),
        (
            {"candidate": {**MIRROR, "resources": {"requests": {"cpu": "0.2", "memory": "1Gi"}}}},
            "has less cpu than the stable version",
        ),
        (
            {"candidate": {**MIRROR, "resources": {"requests": {"cpu": 1, "memory": "500M"}}}},
            "has less memory than the stable version",
        ),
        ({"route": {"envoy": {"trySeconds": 15}}}, "--set route.timeoutSeconds=45"),
        ({"candidate": {"version": 2, "weight": 100}}, "nobody answers in its place"),
        ({"candidate": {"version": 1}}, "The candidate is the version that answers already (1)"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_what_is_unsafe_is_told_with_a_way_out(
    model: Helm, values: dict[str, Any], warning: str
) -> None:
    notes = model.notes({**SAFE, **values})
    told = notes.partition("Warnings:\n")[2].splitlines()
    assert [line for line in told if warning in line and "Next: " in line], notes


def test_copies_of_a_part_need_fewer_pods(model: Helm) -> None:
    candidate = {**MIRROR, "replicas": 1, "mirrorPercent": 20}
    assert "Warnings" not in model.notes({**SAFE, "candidate": candidate})
