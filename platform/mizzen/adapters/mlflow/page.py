"""MLflow's own web page over the place's runs and models. `mizzen up` starts it."""

from __future__ import annotations

import sys

from mizzen.adapters.mlflow.connection import uri_of
from mizzen.core.place import Place


def command(place: Place, host: str, port: int) -> tuple[list[str], dict[str, str]]:
    """How the page is started, and its environment.

    One worker without background jobs: the default takes 3.7 GB. Nothing is reported.
    """
    words = [sys.executable, "-m", "mlflow", "server"]
    options = {
        "--host": host,
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": uri_of(place),
        "--default-artifact-root": str(place.home / "mlartifacts"),
    }
    environment = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    return [*words, *(word for pair in options.items() for word in pair)], environment
