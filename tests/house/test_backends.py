"""Every back end is what its port says, method by method."""

from __future__ import annotations

import inspect

import pytest

from mizzen.adapters.backends import BACKENDS, load_backend
from mizzen.ports.data import DataVersions, FeatureSource, Validator
from mizzen.ports.drift_report import DriftReport
from mizzen.ports.framework import Framework
from mizzen.ports.models import Registry
from mizzen.ports.objects import ObjectStore
from mizzen.ports.prediction_log import PredictionLog
from mizzen.ports.runner import Runner
from mizzen.ports.tracker import Tracker

PORTS: dict[str, type] = {
    "runner": Runner,
    "framework": Framework,
    "tracker": Tracker,
    "registry": Registry,
    "data_versions": DataVersions,
    "feature_source": FeatureSource,
    "validator": Validator,
    "prediction_log": PredictionLog,
    "object_store": ObjectStore,
    "drift_report": DriftReport,
}
NAMED = [(port, name) for port, known in BACKENDS.items() for name in known]


def test_every_port_has_back_ends() -> None:
    assert PORTS.keys() == BACKENDS.keys()


@pytest.mark.parametrize(("port", "name"), NAMED)
def test_a_back_end_inherits_its_port_and_leaves_nothing_of_it_undone(port: str, name: str) -> None:
    backend: type = load_backend(port, name)  # type: ignore[call-overload]
    protocol = PORTS[port]
    assert protocol in backend.__mro__
    for method, declared in inspect.getmembers(protocol, inspect.isfunction):
        if not method.startswith("_"):
            # an inherited stub answers None, whatever was asked
            assert getattr(backend, method) is not declared, method
