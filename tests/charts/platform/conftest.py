"""charts/mizzen, to be released as `mizzen`, and values that switch every part on."""

from __future__ import annotations

from typing import Any

import pytest

from ..rendering import CHARTS, Helm

ALL: dict[str, Any] = {
    "api": {
        "replicas": 2,
        "tls": {"secret": "api-tls", "authority": "api-authority"},
        "disruption": {"enabled": True},
    },
    "features": {"enabled": True, "project": "flights", "disruption": {"enabled": True}},
    "postgres": {"enabled": True},
    "gateway": {"tlsSecret": "tls", "http": "redirect", "mlflow": {"enabled": True}},
    "projects": [{"name": "flights"}, {"name": "digits"}],
    "jobs": {
        "materialize": {"enabled": True},
        "pushgateway": "http://pushgateway.monitoring:9091",
    },
    "quota": {"enabled": True},
    "limitRange": {"enabled": True},
    "monitoring": {
        name: {"enabled": True}
        for name in ("serviceMonitor", "podMonitor", "rules", "dashboards", "discovery")
    },
}


@pytest.fixture(scope="session")
def platform(helm_program: str) -> Helm:
    return Helm(helm_program, CHARTS / "mizzen", "mizzen")


@pytest.fixture
def all_on() -> dict[str, Any]:
    return ALL
