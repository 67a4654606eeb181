"""templates/services.yaml, serviceaccount.yaml, monitor.yaml, tests/answers.yaml."""

from __future__ import annotations

from typing import Any

from .rendering import Helm, Object

ONE: dict[str, Any] = {"model": {"version": 1}}


def test_a_service_finds_the_pods_of_its_version(model: Helm, everything: Object) -> None:
    objects = model.render(everything)
    services, deployments = objects.of("Service"), objects.of("Deployment")
    assert set(services) == set(deployments)
    for name, service in services.items():
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        others = [d for other, d in deployments.items() if other != name]
        for other in others:
            found = other["spec"]["template"]["metadata"]["labels"]
            assert not service["spec"]["selector"].items() <= found.items()


def test_the_account_of_the_pods_has_no_token(model: Helm) -> None:
    account = model.render(ONE).one("ServiceAccount", "flights-serving")
    assert account["automountServiceAccountToken"] is False


def test_prometheus_finds_the_services_when_that_is_asked_for(model: Helm) -> None:
    assert model.render(ONE).of("ServiceMonitor") == {}
    objects = model.render({**ONE, "monitor": {"enabled": True, "labels": {"release": "prom"}}})
    monitor = objects.one("ServiceMonitor", "flights")
    assert monitor["metadata"]["labels"]["release"] == "prom"
    wanted = monitor["spec"]["selector"]["matchLabels"]
    labels = objects.one("Service", "flights-stable")["metadata"]["labels"]
    assert wanted.items() <= labels.items()
    assert [e["port"] for e in monitor["spec"]["endpoints"]] == ["http"]


def test_the_test_of_a_release_asks_every_version(model: Helm, everything: Object) -> None:
    pod = model.render(everything).one("Pod", "flights-test")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    asked = pod["spec"]["containers"][0]["args"][1]
    assert asked == '{"flights-candidate":2,"flights-stable":1}'
