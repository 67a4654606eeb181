"""What the API server refuses: Pod Security, policies in CEL, and a webhook of our own."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from testnode.commands import run
from testnode.errors import ClusterError
from testnode.eventually import eventually
from testnode.kubectl import Kubectl
from testnode.workloads import (
    Manifest,
    app_container,
    deployment,
    named,
    pod,
    service,
    web_container,
)

ADMISSION = "admissionregistration.k8s.io/v1"


def test_pod_security_refuses_a_privileged_pod(kubectl: Kubectl, restricted: str) -> None:
    privileged = {**web_container("x"), "securityContext": {"privileged": True}}
    with pytest.raises(ClusterError, match="violates PodSecurity"):
        kubectl.apply([pod("bad", restricted, privileged)])


def test_pod_security_takes_a_pod_that_holds_to_it(kubectl: Kubectl, restricted: str) -> None:
    kubectl.apply([pod("good", restricted, web_container("x"))])
    kubectl.wait("condition=Ready", "pod/good", "--namespace", restricted)


def test_a_policy_refuses_what_its_expression_forbids(kubectl: Kubectl, policed: str) -> None:
    many, few = (deployment("web", policed, web_container("x"), replicas=n) for n in (4, 3))
    eventually(lambda: refusal(kubectl, many))  # a policy is in force a moment after it is made
    assert "at most 3 pods" in refusal(kubectl, many)
    assert refusal(kubectl, few) == ""


def test_a_webhook_in_a_pod_is_asked(kubectl: Kubectl, hooked: str) -> None:
    plain = named("v1", "ConfigMap", "plain", hooked)
    labelled = named("v1", "ConfigMap", "labelled", hooked)
    labelled["metadata"]["labels"] = {"refuse": "me"}
    eventually(lambda: "the label refuse" in refusal(kubectl, labelled))
    assert refusal(kubectl, plain) == ""


def refusal(kubectl: Kubectl, manifest: Manifest) -> str:
    """Why the API server does not take it; empty when it does. Nothing is stored."""
    try:
        kubectl.run("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))
    except ClusterError as error:
        return str(error)
    return ""


@pytest.fixture
def restricted(kubectl: Kubectl, namespace: str) -> str:
    label = "pod-security.kubernetes.io/enforce=restricted"
    kubectl.run("label", "namespace", namespace, label)
    return namespace


@pytest.fixture
def policed(kubectl: Kubectl, namespace: str) -> Iterator[str]:
    """A namespace in which a Deployment has at most three pods."""
    name = f"few-pods-{namespace}"
    deployments = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "resources": ["deployments"],
        "operations": ["CREATE", "UPDATE"],
    }
    rule = {"expression": "object.spec.replicas <= 3", "message": "at most 3 pods here"}
    policy = {"matchConstraints": {"resourceRules": [deployments]}, "validations": [rule]}
    binding = {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": only_in(namespace),
    }
    kinds = {"ValidatingAdmissionPolicy": policy, "ValidatingAdmissionPolicyBinding": binding}
    kubectl.apply([named(ADMISSION, kind, name, spec=spec) for kind, spec in kinds.items()])
    yield namespace
    for kind in kinds:
        kubectl.run("delete", kind, name)


@pytest.fixture
def hooked(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Iterator[str]:
    """A namespace whose ConfigMaps a webhook in a pod has to admit."""
    make_certificate(tmp_path, f"hook.{namespace}.svc")
    files = {name: (tmp_path / name).read_text() for name in ("tls.crt", "tls.key")}
    mount = {"name": "certificate", "mountPath": "/certificate"}
    container = app_container("webhook", volumeMounts=[mount])
    volumes = [{"name": "certificate", "secret": {"secretName": "hook"}}]
    kubectl.apply(
        [
            named("v1", "Secret", "hook", namespace, type="kubernetes.io/tls", stringData=files),
            deployment("hook", namespace, container, volumes=volumes),
            service("hook", namespace, port=443, target=8443),
        ]
    )
    kubectl.rolled_out("deployment/hook", "--namespace", namespace)
    kubectl.apply([webhook(namespace, files["tls.crt"])])
    yield namespace
    kubectl.run("delete", "validatingwebhookconfiguration", namespace)


def webhook(namespace: str, certificate: str) -> Manifest:
    config_maps = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["configmaps"],
        "operations": ["CREATE"],
    }
    client = {
        "service": {"name": "hook", "namespace": namespace},
        "caBundle": base64.b64encode(certificate.encode()).decode(),
    }
    hook = {
        "name": "hook.mizzen.test",
        "rules": [config_maps],
        "clientConfig": client,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        **only_in(namespace),
    }
    return named(ADMISSION, "ValidatingWebhookConfiguration", namespace, webhooks=[hook])


def only_in(namespace: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


def make_certificate(folder: Path, name: str) -> None:
    """A certificate that is its own authority, for the name by which the API server calls."""
    files = ["-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.crt", "-days", "1"]
    names = ["-subj", "/CN=hook", "-addext", f"subjectAltName=DNS:{name}"]
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *names])
