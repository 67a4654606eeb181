"""templates/deployments.yaml and _pod.tpl: the pods of the versions."""

from __future__ import annotations

import json
from typing import Any

from mizzen.adapters.uvicorn.limits import Limits

from .rendering import Helm, Object

ONE: dict[str, Any] = {"model": {"version": 1}}


def test_a_candidate_exists_only_with_a_version(model: Helm, everything: Object) -> None:
    assert set(model.render(ONE).of("Deployment")) == {"flights-stable"}
    both = model.render(everything).of("Deployment")
    assert {name: _labels(o)["mizzen.dev/version"] for name, o in both.items()} == {
        "flights-stable": "1",
        "flights-candidate": "2",
    }


def test_objects_are_called_after_the_model(model: Helm) -> None:
    named = model.render({"model": {"name": "sales", "version": 1}})
    assert all(o["metadata"]["name"].startswith("sales") for o in named)


def test_a_pod_holds_to_the_restricted_level(model: Helm, everything: Object) -> None:
    for deployment in model.render(everything).of("Deployment").values():
        pod = _pod(deployment)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 65532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in _containers(pod).values():
            context = container["securityContext"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert container["resources"]["requests"]


def test_credentials_are_given_to_those_who_need_them(model: Helm, everything: Object) -> None:
    containers = _containers(_pod(model.render(everything).one("Deployment", "flights-stable")))
    secrets = {
        name: {
            entry["valueFrom"]["secretKeyRef"]["name"]
            for entry in container["env"]
            if "valueFrom" in entry
        }
        for name, container in containers.items()
    }
    assert secrets == {"fetch": set(), "ship": {"s3"}, "serving": {"postgres"}}


def test_the_package_is_fetched_with_credentials_only_where_mlflow_hands_out_none(
    model: Helm, everything: Object
) -> None:
    values = {**everything, "tracking": {"artifacts": "s3"}}
    containers = _containers(_pod(model.render(values).one("Deployment", "flights-stable")))
    names = {entry["name"] for entry in containers["fetch"]["env"]}
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= names


def test_the_place_says_where_and_holds_no_secret(model: Helm, everything: Object) -> None:
    container = _containers(_pod(model.render(everything).one("Deployment", "flights-stable")))
    place = json.loads(_environment(container["serving"])["MIZZEN_PLACE"])
    assert place["project"] == "flights"
    assert place["profile"]["tracking"] == {"uri": "http://mizzen-mlflow:5000"}
    assert place["profile"]["feature_store"]["kind"] == "postgres"


def test_a_pod_is_given_the_time_that_it_needs_to_go(model: Helm, everything: Object) -> None:
    """The drain, the last answers, and only when there is something to ship, the shipping."""
    values = {**ONE, "server": {"drainSeconds": 7}}
    without = _pod(model.render(values).one("Deployment", "flights-stable"))
    assert without["terminationGracePeriodSeconds"] == 7 + 30
    values = {**everything, "server": {"drainSeconds": 7}}
    values["log"] = {"ship": {"to": "s3://bucket/flights", "lastSeconds": 100}}
    shipped = _pod(model.render(values).one("Deployment", "flights-stable"))
    assert shipped["terminationGracePeriodSeconds"] == 7 + 30 + 100
    assert "--drain=7" in _containers(shipped)["serving"]["args"]


def test_the_log_is_shipped_by_a_sidecar_only_where_that_is_asked_for(
    model: Helm, everything: Object
) -> None:
    assert set(_containers(_pod(model.render(ONE).one("Deployment", "flights-stable")))) == {
        "fetch",
        "serving",
    }
    pod = _pod(model.render(everything).one("Deployment", "flights-stable"))
    ship = _containers(pod)["ship"]
    assert ship["restartPolicy"] == "Always"
    assert {"--to=s3://predictions/flights", "--log=/var/lib/mizzen/predictions/flights"} <= set(
        ship["args"]
    )


def test_replicas_are_left_to_the_autoscaler(model: Helm) -> None:
    fixed = model.render({**ONE, "replicas": 3}).one("Deployment", "flights-stable")
    assert fixed["spec"]["replicas"] == 3
    scaled = model.render({**ONE, "autoscaling": {"enabled": True}})
    assert "replicas" not in scaled.one("Deployment", "flights-stable")["spec"]


def test_an_update_never_has_fewer_pods_than_asked_for(model: Helm) -> None:
    spec = model.render(ONE).one("Deployment", "flights-stable")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_selector_survives_every_change_of_values(model: Helm, everything: Object) -> None:
    """A Deployment's selector cannot be changed: an upgrade would be refused."""
    before = model.render(ONE).one("Deployment", "flights-stable")["spec"]["selector"]
    after = model.render({**everything, "model": {"version": 9}, "podLabels": {"a": "b"}})
    assert after.one("Deployment", "flights-stable")["spec"]["selector"] == before


def test_a_digest_wins_over_a_tag(model: Helm) -> None:
    image = {"registry": "registry.example.com", "tag": "2", "digest": f"sha256:{'a' * 64}"}
    pod = _pod(model.render({**ONE, "image": image}).one("Deployment", "flights-stable"))
    assert {c["image"] for c in _containers(pod).values()} == {
        f"registry.example.com/mizzen/serving@sha256:{'a' * 64}"
    }


def test_every_pod_serves_the_bento_of_its_image_with_the_version_that_it_fetched(
    model: Helm, everything: Object
) -> None:
    for deployment in model.render(everything).of("Deployment").values():
        containers = _containers(_pod(deployment))
        number = _labels(deployment)["mizzen.dev/version"]
        assert containers["serving"]["args"][:4] == [
            "mizzen_serving",
            "--bento=/usr/share/mizzen/bento",
            "--package=/var/lib/package/package",
            f"--version={number}",
        ]
        assert containers["fetch"]["args"][:3] == [
            "mizzen_serving.fetch_model",
            "--version",
            number,
        ]
        assert containers["fetch"]["image"] == containers["serving"]["image"]


def test_a_limit_of_null_is_no_limit(model: Helm) -> None:
    values = {**ONE, "resources": {"limits": {"memory": None, "cpu": 2}}}
    pod = _pod(model.render(values).one("Deployment", "flights-stable"))
    assert _containers(pod)["serving"]["resources"]["limits"] == {"cpu": 2}


def test_a_volume_is_of_the_node_or_of_its_own(model: Helm) -> None:
    claim = {"kind": "claim", "size": "20Gi", "storageClass": "ssd"}
    values = {**ONE, "log": {"volume": claim}}
    pod = _pod(model.render(values).one("Deployment", "flights-stable"))
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["package"]["emptyDir"] == {"sizeLimit": "2Gi"}
    spec = volumes["log"]["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert spec["storageClassName"] == "ssd"
    assert spec["resources"]["requests"] == {"storage": "20Gi"}


def test_only_the_fetching_container_may_change_the_package(model: Helm) -> None:
    containers = _containers(_pod(model.render(ONE).one("Deployment", "flights-stable")))
    mounts = {m["name"]: m for m in containers["serving"]["volumeMounts"]}
    assert mounts["package"]["readOnly"] is True


def _labels(deployment: Object) -> Any:
    return deployment["spec"]["template"]["metadata"]["labels"]


def _pod(deployment: Object) -> Any:
    return deployment["spec"]["template"]["spec"]


def _containers(pod: Object) -> dict[str, Any]:
    return {c["name"]: c for c in (*pod["initContainers"], *pod["containers"])}


def _environment(container: Object) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


def test_a_pod_without_a_door_lets_everybody_ask_and_has_limits(model: Helm) -> None:
    rendered = model.render(ONE).of("Deployment")["flights-stable"]
    serving = _containers(_pod(rendered))["serving"]
    assert not [word for word in serving["args"] if word.startswith(("--tokens", "--rate"))]
    limits = json.loads(_environment(serving)["MIZZEN_LIMITS"])
    assert (limits["connections"], limits["trusted_proxies"]) == (4096, [])
    assert "server.door.secret is empty" in model.notes(ONE)


def test_a_door_is_a_secret_that_is_mounted_and_a_rate(model: Helm) -> None:
    door = {"secret": "flights-callers", "rate": 200, "burst": 50}
    limits = {"connections": 500, "trustedProxies": ["10.0.0.0/8"]}
    values = {**ONE, "server": {"door": door, "limits": limits}}
    pod = _pod(model.render(values).of("Deployment")["flights-stable"])
    serving = _containers(pod)["serving"]
    assert {"--tokens=/var/lib/callers", "--rate=200", "--burst=50"} <= set(serving["args"])
    mounts = {mount["name"]: mount for mount in serving["volumeMounts"]}
    assert mounts["callers"] == {
        "name": "callers",
        "mountPath": "/var/lib/callers",
        "readOnly": True,
    }
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["callers"]["secret"] == {"secretName": "flights-callers", "defaultMode": 0o440}
    assert Limits.from_environment(_environment(serving)).trusted_proxies == ("10.0.0.0/8",)
    assert Limits.from_environment(_environment(serving)).connections == 500
    assert "server.door.secret is empty" not in model.notes(values)
