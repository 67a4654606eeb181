"""templates/route.yaml: who gets which requests."""

from __future__ import annotations

from typing import Any

from .rendering import ROOT, Helm, Object

ONE: dict[str, Any] = {"model": {"version": 1}}


def test_the_stable_version_answers_alone_without_a_candidate(model: Helm) -> None:
    rules = _rules(model, ONE)
    assert [_weights(rule) for rule in rules] == [{"flights-stable": 100}]


def test_the_candidate_gets_its_weight(model: Helm) -> None:
    rules = _rules(model, {**ONE, "candidate": {"version": 2, "weight": 10}})
    assert _weights(rules[0]) == {"flights-stable": 90, "flights-candidate": 10}


def test_requests_are_copied_only_when_that_is_asked_for(model: Helm) -> None:
    candidate = {"version": 2, "mirrorPercent": 25}
    assert _mirrors(_rules(model, {**ONE, "candidate": candidate})) == []
    mirrors = _mirrors(_rules(model, {**ONE, "candidate": {**candidate, "mirror": True}}))
    assert [(m["backendRef"]["name"], m["percent"]) for m in mirrors] == [("flights-candidate", 25)]


def test_a_header_leads_to_the_candidate(model: Helm) -> None:
    rest, first = _rules(model, {**ONE, "candidate": {"version": 2}})
    assert first["matches"][0]["headers"] == [{"name": "x-mizzen-version", "value": "candidate"}]
    assert [backend["name"] for backend in first["backendRefs"]] == ["flights-candidate"]
    assert "headers" not in rest["matches"][0]
    without = {**ONE, "candidate": {"version": 2, "header": {"name": ""}}}
    assert len(_rules(model, without)) == 1


def test_the_main_rule_keeps_its_place(model: Helm, everything: Object) -> None:
    """Envoy Gateway calls what it sends requests to by the number of their rule."""
    first = [_rules(model, values)[0]["matches"] for values in (ONE, everything)]
    assert first[0] == first[1]


def test_a_candidate_without_pods_has_an_address_that_is_never_ready(model: Helm) -> None:
    objects = model.render(ONE)
    [piece] = objects.of("EndpointSlice").values()
    service = piece["metadata"]["labels"]["kubernetes.io/service-name"]
    assert service in objects.of("Service")
    assert [e["conditions"]["ready"] for e in piece["endpoints"]] == [False]


def test_the_prefix_is_taken_off(model: Helm) -> None:
    rule = _rules(model, ONE)[0]
    assert rule["matches"][0]["path"] == {"type": "PathPrefix", "value": "/flights"}
    rewrite = rule["filters"][0]["urlRewrite"]["path"]
    assert rewrite == {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    for given, kept in (("/v1/flights/", "/v1/flights"), ("/", "/")):
        rules = _rules(model, {**ONE, "route": {"prefix": given}})
        assert rules[0]["matches"][0]["path"]["value"] == kept


def test_every_rule_has_a_timeout(model: Helm, everything: Object) -> None:
    """Copies are held to it too: one that hangs must not be held for ever."""
    rules = _rules(model, {**everything, "route": {"timeoutSeconds": 3}})
    assert [rule["timeouts"] for rule in rules] == [{"request": "3s"}, {"request": "3s"}]


def test_a_request_is_tried_again_when_its_pod_dies(model: Helm) -> None:
    objects = model.render({**ONE, "route": {"envoy": {"retries": 3}}})
    spec = objects.one("BackendTrafficPolicy", "flights")["spec"]
    assert [target["name"] for target in spec["targetRefs"]] == list(objects.of("HTTPRoute"))
    assert spec["retry"]["numRetries"] == 3
    without = model.render({**ONE, "route": {"envoy": {"enabled": False}}})
    assert without.of("BackendTrafficPolicy") == {}


def test_a_pod_that_says_nothing_is_waited_for_and_then_left_alone(model: Helm) -> None:
    given = {"trySeconds": 4, "avoidSeconds": 20}
    objects = model.render({**ONE, "route": {"envoy": given}})
    spec = objects.one("BackendTrafficPolicy", "flights")["spec"]
    assert spec["retry"]["perRetry"]["timeout"] == "4s"
    passive = spec["healthCheck"]["passive"]
    assert passive["baseEjectionTime"] == "20s"
    assert passive["splitExternalLocalOriginErrors"]  # what a pod answers never counts against it


def test_each_proxy_of_the_gateway_lets_through_so_many_requests_when_that_is_asked_for(
    model: Helm,
) -> None:
    def limit(**given: Any) -> Any:
        values = {**ONE, "route": {"envoy": {"rateLimit": given}}}
        return model.render(values).one("BackendTrafficPolicy", "flights")["spec"].get("rateLimit")

    assert limit() is None
    assert limit(unit="Minute") is None
    rules = [{"limit": {"requests": 4_000_000, "unit": "Second"}}]
    assert limit(requests=4_000_000) == {"type": "Local", "local": {"rules": rules}}
    [rule] = limit(requests=90, unit="Minute")["local"]["rules"]
    assert rule == {"limit": {"requests": 90, "unit": "Minute"}}  # without selectors: for all


def test_that_the_gateway_s_limit_counts_for_each_proxy_is_said_where_it_is_set(
    model: Helm,
) -> None:
    values = (model.chart / "values.yaml").read_text()
    said = " ".join(values.partition("    rateLimit:")[2].partition("requests: 0")[0].split())
    assert "Every proxy counts for itself" in said.replace("# ", "")
    page = (ROOT / "docs" / "how-to" / "guard-a-service.md").read_text()
    assert "route.envoy.rateLimit" in page
    assert "each proxy counts for itself" in " ".join(page.split())


def test_the_route_may_be_left_out(model: Helm) -> None:
    objects = model.render({**ONE, "route": {"enabled": False}})
    kinds = {o["kind"] for o in objects}
    assert not kinds & {"HTTPRoute", "BackendTrafficPolicy", "EndpointSlice"}


def _rules(model: Helm, values: Object) -> Any:
    return model.render(values).one("HTTPRoute", "flights")["spec"]["rules"]


def _weights(rule: Object) -> dict[str, int]:
    return {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}


def _mirrors(rules: list[Object]) -> list[Any]:
    filters = [f for rule in rules for f in rule["filters"]]
    return [f["requestMirror"] for f in filters if f["type"] == "RequestMirror"]
