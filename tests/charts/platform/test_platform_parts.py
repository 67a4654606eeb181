"""Each part of charts/mizzen is there when it is on, and gone without a trace when it is off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mizzen.adapters.uvicorn.limits import Limits
from mizzen.api.__main__ import _parser

from ..rendering import Helm, Objects, Refused

# how a part is switched off -> what is then gone
PARTS: dict[str, set[str]] = {
    "api.enabled": {
        "Deployment/mizzen-api",
        "Service/mizzen-api",
        "Job/mizzen-api-migration-1",
        "HTTPRoute/mizzen-api",
        "HTTPRoute/mizzen-api-redirect",
        "BackendTLSPolicy/mizzen-api",
        "NetworkPolicy/mizzen-api",
        "PodDisruptionBudget/mizzen-api",
        "ServiceMonitor/mizzen-api",
    },
    "api.disruption.enabled": {"PodDisruptionBudget/mizzen-api"},
    "mlflow.enabled": {
        "Deployment/mizzen-mlflow",
        "Service/mizzen-mlflow",
        "Job/mizzen-mlflow-migration-1",
        "HTTPRoute/mizzen-mlflow",
        "HTTPRoute/mizzen-mlflow-redirect",
        "NetworkPolicy/mizzen-mlflow",
    },
    "features.enabled": {
        "Deployment/mizzen-features",
        "Service/mizzen-features",
        "ConfigMap/mizzen-features",
        "NetworkPolicy/mizzen-features",
        "PodDisruptionBudget/mizzen-features",
    },
    "features.disruption.enabled": {"PodDisruptionBudget/mizzen-features"},
    "gateway.enabled": {
        "Gateway/mizzen-gateway",
        "BackendTLSPolicy/mizzen-api",
        *(
            f"HTTPRoute/mizzen-{name}"
            for name in ("api", "api-redirect", "mlflow", "mlflow-redirect")
        ),
    },
    "gateway.api.enabled": {
        "HTTPRoute/mizzen-api",
        "HTTPRoute/mizzen-api-redirect",
        "BackendTLSPolicy/mizzen-api",
    },
    "gateway.mlflow.enabled": {"HTTPRoute/mizzen-mlflow", "HTTPRoute/mizzen-mlflow-redirect"},
    "jobs.drift.enabled": {
        "CronJob/mizzen-drift-flights",
        "CronJob/mizzen-drift-digits",
        "NetworkPolicy/mizzen-drift",
    },
    "jobs.materialize.enabled": {
        "CronJob/mizzen-materialize-flights",
        "CronJob/mizzen-materialize-digits",
        "NetworkPolicy/mizzen-materialize",
    },
    "quota.enabled": {"ResourceQuota/mizzen-quota"},
    "limitRange.enabled": {"LimitRange/mizzen-limits"},
    "monitoring.serviceMonitor.enabled": {"ServiceMonitor/mizzen-api"},
    "monitoring.podMonitor.enabled": {"PodMonitor/mizzen-models"},
    "monitoring.rules.enabled": {"PrometheusRule/mizzen-alerts"},
    "monitoring.dashboards.enabled": {
        "ConfigMap/mizzen-dashboard-mizzen-monitoring",
        "ConfigMap/mizzen-dashboard-mizzen-serving",
    },
    "monitoring.discovery.enabled": {"Role/mizzen-discovery", "RoleBinding/mizzen-discovery"},
}


@pytest.mark.parametrize("switch", PARTS)
def test_a_part_that_is_off_leaves_nothing(
    platform: Helm, all_on: dict[str, Any], switch: str
) -> None:
    with_it, without = names(platform.render(all_on)), names(platform.render(off(all_on, switch)))
    assert with_it - without == PARTS[switch]
    assert without <= with_it


def test_without_postgres_migrations_come_before_everything(
    platform: Helm, all_on: dict[str, Any]
) -> None:
    with_it = platform.render(all_on)
    without = platform.render(off(all_on, "postgres.enabled"))
    assert names(with_it) - names(without) == {
        "StatefulSet/mizzen-postgres",
        "Service/mizzen-postgres",
        "NetworkPolicy/mizzen-postgres",
        "Job/mizzen-api-migration-1",
        "Job/mizzen-mlflow-migration-1",
    }
    hooks = [job["metadata"]["annotations"] for job in without.of("Job").values()]
    assert [hook["helm.sh/hook"] for hook in hooks] == ["pre-install,pre-upgrade"] * 2
    assert not any("annotations" in job["metadata"] for job in with_it.of("Job").values())


def test_what_needs_a_schema_waits_where_its_migration_runs_beside_it(
    platform: Helm, all_on: dict[str, Any]
) -> None:
    waiting = {
        name: [c["command"][3:] for c in init_containers(deployment)]
        for name, deployment in platform.render(all_on).of("Deployment").items()
    }
    assert waiting == {
        "mizzen-api": [],  # is not ready until then, with the reason
        "mizzen-mlflow": [["mlflow", "alembic_version"]],
        "mizzen-features": [["mizzen_features"]],
    }


def test_nothing_is_left_when_everything_is_off(platform: Helm, all_on: dict[str, Any]) -> None:
    values = all_on
    for switch in (*PARTS, "postgres.enabled", "network.enabled"):
        values = off(values, switch)
    assert names(platform.render(values)) == {"ServiceAccount/mizzen"}


def test_a_misspelt_value_is_refused_by_its_name(platform: Helm) -> None:
    with pytest.raises(Refused, match="replica"):
        platform.render({"api": {"replica": 2}})


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"gateway": {"http": "off"}}, "nothing would listen"),
        ({"gateway": {"http": "redirect"}}, "no https to lead to"),
        ({"features": {"enabled": True}}, "features.project"),
        ({"api": {"tls": {"secret": "tls"}}}, "api.tls.authority"),
        ({"network": {"edges": [{"source": "api", "target": "mlflow"}]}}, "has no port"),
    ],
)
def test_values_that_cannot_work_together_say_what_to_do(
    platform: Helm, values: dict[str, Any], word: str
) -> None:
    with pytest.raises(Refused, match=word):
        platform.render(values)


def test_the_api_holds_clients_to_its_own_defaults_where_values_say_nothing(
    platform: Helm,
) -> None:
    container = api_container(platform.render({}))
    assert Limits.from_environment(environment(container)) == Limits()
    given = [word for word in container["args"] if word.startswith("--largest")]
    assert _parser().parse_args(given).largest == _parser().parse_args([]).largest


def test_the_api_reads_named_callers_from_a_secret_that_values_name(platform: Helm) -> None:
    assert "--tokens" not in " ".join(api_container(platform.render({}))["args"])
    found = platform.render({"api": {"callers": "mizzen-api-callers"}})
    container = api_container(found)
    given = [word for word in container["args"] if word.startswith("--tokens")]
    folder = _parser().parse_args(given).tokens
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    pod = found.one("Deployment", "mizzen-api")["spec"]["template"]["spec"]
    secrets = {v["name"]: v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
    assert secrets[mounts[str(folder)]] == "mizzen-api-callers"


def test_the_api_reads_the_limits_that_values_give(platform: Helm) -> None:
    limits = {
        "connections": 500,
        "connectionsPerAddress": 50,
        "trustedProxies": ["10.244.0.0/16"],
        "headerBytes": 8192,
        "headersSeconds": 5,
        "bodySeconds": 20,
        "idleSeconds": 90,
    }
    container = api_container(platform.render({"api": {"limits": limits, "requestMegabytes": 8}}))
    assert Limits.from_environment(environment(container)) == Limits(
        connections=500,
        connections_per_address=50,
        trusted_proxies=("10.244.0.0/16",),
        header_bytes=8192,
        first_byte_seconds=5,
        headers_seconds=5,
        body_seconds=20,
        idle_seconds=90,
    )
    assert "--largest=8388608" in container["args"]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"connections": 0}, "connections"),
        ({"conections": 10}, "conections"),
        ({"trustedProxies": ["the gateway"]}, "trustedProxies"),
        ({"headersSeconds": 0.5}, "headersSeconds"),
    ],
)
def test_a_limit_that_is_none_is_refused_by_its_name(
    platform: Helm, values: dict[str, Any], word: str
) -> None:
    with pytest.raises(Refused, match=word):
        platform.render({"api": {"limits": values}})


def test_the_place_of_a_job_is_one_that_mizzen_reads(
    platform: Helm, all_on: dict[str, Any]
) -> None:
    """What the profile does not know would be an error when the job starts."""
    from mizzen.core.place import Place

    for job in platform.render(all_on).of("CronJob").values():
        pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        said = {e["name"]: e.get("value", "") for e in pod["containers"][0]["env"]}
        place = Place.from_environment(said)
        assert job["metadata"]["name"].endswith(place.project)
        assert place.profile.tracking.uri == "http://mizzen-mlflow:5000"


def test_a_project_has_its_own_schedule_where_it_gives_one(platform: Helm) -> None:
    own = {"enabled": True, "schedule": "0 3 * * *"}
    projects = [{"name": "flights"}, {"name": "digits", "drift": own}]
    jobs = platform.render({"projects": projects}).of("CronJob")
    assert {name: job["spec"]["schedule"] for name, job in jobs.items()} == {
        "mizzen-drift-flights": "17 * * * *",
        "mizzen-drift-digits": "0 3 * * *",
    }


def api_container(objects: Objects) -> dict[str, Any]:
    deployment = objects.one("Deployment", "mizzen-api")
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


def init_containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    return list(workload["spec"]["template"]["spec"].get("initContainers", []))


def names(objects: Objects) -> set[str]:
    return {f"{o['kind']}/{o['metadata']['name']}" for o in objects} - {"Pod/mizzen-test"}


def off(values: dict[str, Any], switch: str) -> dict[str, Any]:
    """A copy with one part switched off."""
    copy: dict[str, Any] = json.loads(json.dumps(values))
    *sections, last = switch.split(".")
    section = copy
    for name in sections:
        section = section.setdefault(name, {})
    section[last] = False
    return copy
