"""MLflow's own web page over the place's runs and models. `mizzen up` starts it.

`python -m mizzen.adapters.mlflow.server_process` becomes MLflow's server once the place has its
database: the server itself would make one that a kill leaves unfinished.
"""

from __future__ import annotations

import os
import sys

from mizzen.adapters.mlflow.connection import ARTIFACTS, uri_of
from mizzen.adapters.mlflow.database import ensure, file_of
from mizzen.core.place import Place


def command(place: Place, host: str, port: int) -> tuple[list[str], dict[str, str]]:
    """How the page is started, and its environment.

    One worker without background jobs: the default takes 3.7 GB. Nothing is reported.
    """
    words = [sys.executable, "-m", __name__, "server"]
    options = {
        "--host": host,
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": uri_of(place),
        "--default-artifact-root": str(place.home / ARTIFACTS),
    }
    environment = {
        **place.to_environment(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    return [*words, *(word for pair in options.items() for word in pair)], environment


def main() -> None:
    """Make the database if it is missing, then become the server."""
    place = Place.from_environment(os.environ)
    file = file_of(uri_of(place))
    if file is not None:
        ensure(file, place.home / ARTIFACTS)
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    main()
