"""Which back ends there are: port -> name -> where it lives and what installs it.

The one place where a name in a spec or a profile becomes code. An unknown name is an error
that lists the known ones; a missing library is an error with the install command.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, overload

from mizzen.errors import MissingDependencyError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mizzen.ports.data import DataVersions, FeatureSource, Validator
    from mizzen.ports.drift_report import DriftReport
    from mizzen.ports.framework import Framework
    from mizzen.ports.models import Registry
    from mizzen.ports.objects import ObjectStore
    from mizzen.ports.prediction_log import PredictionLog
    from mizzen.ports.runner import Runner
    from mizzen.ports.tracker import Tracker


@dataclass(frozen=True, slots=True)
class Backend:
    """`path` is `module:attribute`; it needs the module `library`, which `extra` installs."""

    path: str
    library: str | None = None
    extra: str | None = None


BACKENDS: dict[str, dict[str, Backend]] = {
    "runner": {"local": Backend("mizzen.adapters.local_runner.runner:LocalRunner")},
    "framework": {
        "torch": Backend("mizzen.adapters.torch.framework:TorchFramework", "torch", "torch"),
        "lightgbm": Backend(
            "mizzen.adapters.lightgbm.framework:LightGBMFramework", "lightgbm", "lightgbm"
        ),
        "python": Backend("mizzen.adapters.user_trainer.framework:UserFramework"),
        "onnx": Backend("mizzen.adapters.onnx.framework:OnnxFramework", "onnxruntime", "onnx"),
    },
    "tracker": {
        "mlflow": Backend("mizzen.adapters.mlflow.tracker:MLflowTracker", "mlflow", "mlflow")
    },
    "registry": {
        "mlflow": Backend("mizzen.adapters.mlflow.registry:MLflowRegistry", "mlflow", "mlflow")
    },
    "data_versions": {"dvc": Backend("mizzen.adapters.dvc.versions:DvcVersions", "dvc", "dvc")},
    "feature_source": {
        "local": Backend("mizzen.adapters.feast.source:FeastSource", "feast", "feast"),
        # the service reads without Feast; what needs it says so
        "postgres": Backend("mizzen.adapters.feast.source:PostgresSource", "psycopg", "postgres"),
    },
    "validator": {
        "great_expectations": Backend(
            "mizzen.adapters.great_expectations.validator:GreatExpectationsValidator",
            "great_expectations",
            "great-expectations",
        )
    },
    "prediction_log": {
        "segments": Backend("mizzen.adapters.segment_log.log:SegmentLog", "msgspec", "serving"),
        "shipped": Backend("mizzen.adapters.segment_log.shipped:ShippedLog", "msgspec", "serving"),
    },
    "object_store": {
        "s3": Backend("mizzen.adapters.s3.objects:S3Objects", "boto3", "s3"),
        "file": Backend("mizzen.adapters.files.objects:FileObjects"),
    },
    "drift_report": {
        "evidently": Backend(
            "mizzen.adapters.evidently.report:EvidentlyReport", "evidently", "evidently"
        )
    },
}


@overload
def load_backend(port: Literal["runner"], name: str) -> Callable[..., Runner]: ...
@overload
def load_backend(port: Literal["framework"], name: str) -> Callable[..., Framework]: ...
@overload
def load_backend(port: Literal["tracker"], name: str) -> Callable[..., Tracker]: ...
@overload
def load_backend(port: Literal["registry"], name: str) -> Callable[..., Registry]: ...
@overload
def load_backend(port: Literal["data_versions"], name: str) -> Callable[..., DataVersions]: ...
@overload
def load_backend(port: Literal["feature_source"], name: str) -> Callable[..., FeatureSource]: ...
@overload
def load_backend(port: Literal["validator"], name: str) -> Callable[..., Validator]: ...
@overload
def load_backend(port: Literal["prediction_log"], name: str) -> Callable[..., PredictionLog]: ...
@overload
def load_backend(port: Literal["object_store"], name: str) -> Callable[..., ObjectStore]: ...
@overload
def load_backend(port: Literal["drift_report"], name: str) -> Callable[..., DriftReport]: ...
def load_backend(port: str, name: str) -> Any:
    """The back end's class, which inherits its port.

    Raises:
        UserError: no such back end.
        MissingDependencyError: its library is not installed.
    """
    known = BACKENDS[port]
    if name not in known:
        raise UserError(
            f"unknown {port.replace('_', ' ')} {name!r}", allowed=", ".join(sorted(known))
        )
    backend = known[name]
    if backend.library is not None and find_spec(backend.library) is None:
        raise missing(backend.library, backend.extra or backend.library)
    module, _, attribute = backend.path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def open_objects(url: str) -> ObjectStore:
    """The store of whole objects at an address; its scheme names the back end.

    Raises:
        UserError: no such scheme, or no such address.
        MissingDependencyError: its library is not installed.
    """
    scheme, found, _ = url.partition("://")
    if not found:
        raise UserError("an address without its scheme", given=url, allowed="s3://..., file:///...")
    return load_backend("object_store", scheme)(url)


def missing(library: str, extra: str) -> MissingDependencyError:
    """The error for an optional library that is not installed."""
    return MissingDependencyError(
        f"{library} is not installed", next_step=f"pip install 'mizzen[{extra}]'"
    )
