"""After everything else: no role of ours granted what was not used, and none holds everywhere."""

from __future__ import annotations

import pytest
from scenario.rights import cluster_wide, granted, unused, used
from testnode.node import audit
from testnode.providers.choice import Provider
from testnode.providers.node import NodeProvider


@pytest.fixture
def log(cluster: Provider, request: pytest.FixtureRequest) -> list[audit.Entry]:
    others = {item.path.stem for item in request.session.items}
    if "test_prometheus" not in others:
        pytest.skip("who uses the rights, test_prometheus.py, is not part of this session")
    assert isinstance(cluster, NodeProvider)
    entries = list(audit.entries(cluster.spec))
    if not entries:
        pytest.skip("this node was started without an audit log: python tests/cluster down")
    return entries


def test_granted_minus_used_is_empty(log: list[audit.Entry]) -> None:
    assert granted(log), "nothing was granted: the log lacks the roles of this session"
    assert unused(log) == set()


def test_no_role_of_ours_holds_for_all_namespaces(log: list[audit.Entry]) -> None:
    assert cluster_wide(log) == []


def test_no_pod_of_ours_asked_the_api_server_for_anything(log: list[audit.Entry]) -> None:
    """They hold no token; the account of Prometheus is the test's."""
    accounts = {account for accounts in used(log).values() for account in accounts}
    assert [a for a in accounts if a.endswith((":mizzen", "-serving"))] == []
