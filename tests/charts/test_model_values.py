"""charts/mizzen-model: every value changes something, and wrong ones are told by their name."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mizzen.spec.charts.model import ModelValues
from mizzen.spec.charts.section import Entry, all_fields
from mizzen.spec.charts.values import plain_of

from .rendering import Helm, Refused

Values = dict[str, Any]
LEAVES = {f.dotted: f for f in all_fields(ModelValues) if f.section is None}
# a value that matters only beside another one -> what to set with it
BESIDE: dict[str, Values] = {
    "autoscaling.minReplicas": {"autoscaling": {"enabled": True}},
    "autoscaling.maxReplicas": {"autoscaling": {"enabled": True}},
    "autoscaling.cpuPercent": {"autoscaling": {"enabled": True}},
    "fetch.volume.storageClass": {"fetch": {"volume": {"kind": "claim"}}},
    "log.volume.storageClass": {"log": {"volume": {"kind": "claim"}}},
    "route.envoy.rateLimit.unit": {"route": {"envoy": {"rateLimit": {"requests": 5}}}},
}
# what to change it to, where the example or the next number would not do
CHANGED: dict[str, Any] = {
    "features.store": "local",
    "features.secret": "another",
    "s3.secret": "another",
    "log.ship.to": "s3://elsewhere",
    "model.name": "sales",
    "model.version": 7,
    "candidate.version": 8,
    "candidate.mirrorPercent": 50,
    "tracking.uri": "http://elsewhere:5000",
    "network.s3": [],
    "network.features": [],
}


@pytest.mark.parametrize("name", LEAVES)
def test_every_value_has_an_effect(model: Helm, everything: Values, name: str) -> None:
    before = _with(everything, BESIDE.get(name, {}))
    after = _with(before, _nested(name, _another(LEAVES[name], before)))
    assert model.render(after) != model.render(before)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"candidat": {"version": 2}}, "additional properties 'candidat' not allowed"),
        ({"candidate": {"wieght": 2}}, "at '/candidate': additional properties 'wieght'"),
        ({"global": {"image": "x"}}, "at '/global': additional properties 'image'"),
        ({"candidate": {"version": 2, "weight": 150}}, "at '/candidate/weight': maximum: got 150"),
        ({"model": {"version": "champion"}}, "See which number it has: mizzen models list"),
        ({"candidate": {"version": "champion"}}, "at '/candidate/version': value must be 'a numb"),
        ({"model": {"version": 0}}, "at '/model/version': minimum"),
        ({"model": {"version": None}}, "at '/model/version': got null"),
        ({"server": None}, "missing property 'server'"),
        ({"candidate": {"mirror": True}}, "candidate.mirror: requests would be copied to a cand"),
        ({"candidate": {"weight": 10}}, "candidate.weight: 10 % of the requests would go to a c"),
        (
            {"candidate": {"version": 2, "weight": 5, "replicas": 0}},
            "candidate.replicas: nobody would answer the 5 %",
        ),
        (
            {"autoscaling": {"enabled": True, "minReplicas": 5}},
            "autoscaling.minReplicas: 5 is more than autoscaling.maxReplicas",
        ),
        ({"features": {"store": "postgres"}}, "features.secret: features.store is postgres"),
        ({"log": {"ship": {"to": "bucket"}}}, "at '/log/ship/to': 'bucket' does not match"),
        ({"tracking": {"uri": "http://user:pw@mlflow"}}, "at '/tracking/uri'"),
        ({"resources": {"limits": {"memory": "1GB"}}}, "at '/resources/limits/memory': '1GB'"),
        ({"network": {"s3": [{"cidr": "10.0.0.0/8"}]}}, "at '/network/s3/0': missing property 'p"),
        ({"route": {"prefix": "flights"}}, "at '/route/prefix'"),
        (
            {"route": {"envoy": {"rateLimit": {"requests": -1}}}},
            "at '/route/envoy/rateLimit/requests': minimum: got -1",
        ),
        (
            {"route": {"envoy": {"rateLimit": {"requests": 5, "unit": "second"}}}},
            "at '/route/envoy/rateLimit/unit': value must be one of 'Second', 'Minute', 'Hour'",
        ),
        (
            {"route": {"envoy": {"enabled": False, "rateLimit": {"requests": 5}}}},
            "hold anybody to 5, because route.envoy.enabled is false",
        ),
        (
            {"route": {"enabled": False, "envoy": {"rateLimit": {"requests": 5}}}},
            "hold anybody to 5, because route.enabled is false",
        ),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_a_wrong_value_is_told_by_its_name(model: Helm, values: Values, said: str) -> None:
    with pytest.raises(Refused) as refused:
        model.render(_with({"model": {"version": 1}}, values))
    assert said in str(refused.value)


def test_a_release_whose_name_no_model_has_is_told_which_value_to_set(model: Helm) -> None:
    odd = Helm(model.program, model.chart, "flights.v1")
    with pytest.raises(Refused, match=r"model\.name: the release is called"):
        odd.render({"model": {"version": 1}})
    assert odd.render({"model": {"version": 1, "name": "flights"}}).of("Deployment")


@pytest.mark.parametrize("profile", ["dev", "staging", "prod"])
def test_a_profile_is_rendered(model: Helm, profile: str) -> None:
    file = model.chart / "profiles" / f"{profile}.yaml"
    assert model.render({"model": {"version": 1}}, f"--values={file}").of("Deployment")


def test_large_numbers_stay_whole(model: Helm) -> None:
    """Helm's numbers are floating ones, and print as 1e+06 when nobody takes care."""
    values = {"model": {"version": 12_345_678}, "server": {"queue": 4_000_000}}
    deployment = model.render(values).one("Deployment", "flights-stable")
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert {"--version=12345678", "--queue=4000000"} <= set(arguments)


def _with(values: Values, more: Values) -> Values:
    merged = copy.deepcopy(values)
    for name, value in more.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _with(merged[name], value) if both else value
    return merged


def _nested(name: str, value: Any) -> Values:
    first, _, rest = name.partition(".")
    return {first: _nested(rest, value) if rest else value}


def _another(field: Entry, values: Values) -> Any:
    """Some other value that is allowed."""
    if field.dotted in CHANGED:
        return CHANGED[field.dotted]
    now = _now(field, values)
    if isinstance(now, bool):
        return not now
    if isinstance(now, int):
        return now + 1
    choices = [c for c in getattr(field.info.annotation, "__args__", ()) if isinstance(c, str)]
    examples = [plain_of(example) for example in field.info.examples or ()]
    others = [*choices, *examples, *([OTHER[field.path[-1]]] if field.path[-1] in OTHER else [])]
    return next(other for other in others if other != now)


def _now(field: Entry, values: Any) -> Any:
    for part in field.path:
        if part not in values:
            return plain_of(field.default)
        values = values[part]
    return values


OTHER: dict[str, Any] = {
    "cpu": "3",
    "memory": "3Gi",
    "size": "3Gi",
    "repository": "other/serving",
    "name": "other",
    "value": "other",
    "across": ["example.com/rack"],
    "podLabels": {"other": "label"},
    "namespace": "other",
}
