"""How MLflow is reached: in process over SQLite and files in the home, or a server by URI.

Importing MLflow takes 3 s of CPU, making its tables 6 s more, once per home. Whoever can do
without a connection (a package that was fetched before) makes none.
"""

from __future__ import annotations

import importlib
import logging
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.adapters.files.folders import make_home
from mizzen.adapters.files.locks import locked
from mizzen.adapters.mlflow.database import ensure, file_of
from mizzen.adapters.mlflow.rest import SCHEMES, MlflowServer
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, MizzenError, NotFound, TemporaryError, UserError
from mizzen.masking import masked, without_credentials

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ARTIFACTS = "mlartifacts"  # in the home, when MLflow is in this process
# which of its views MLflow opens the experiment in: runs with parameters and metrics
_TRAINING = ("mlflow.experimentKind", "custom_model_development")
_AWAY = {"TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED", "ABORTED"}


def uri_of(place: Place) -> str:
    """The tracking URI; two writers of the SQLite file wait for each other up to a minute."""
    own = place.profile.tracking.uri
    return own or f"sqlite:///{place.home / 'mlflow.db'}?timeout=60"


def is_local(place: Place) -> bool:
    """Whether MLflow runs in this process, over files of the home."""
    return place.profile.tracking.uri is None


def connect(place: Place) -> MlflowClient:
    """A client; the tables are made if this is the first one in the home."""
    _be_quiet()
    with exclusive(place, "mlflow-setup"):
        return _client(uri_of(place), place.home / ARTIFACTS)


def server_of(place: Place) -> MlflowServer | None:
    """The server that the profile names, asked without importing MLflow."""
    uri = place.profile.tracking.uri
    return MlflowServer(uri) if uri and uri.partition("://")[0] in SCHEMES else None


def reader(place: Place) -> MlflowClient | MlflowServer:
    """Whom to ask about versions and aliases."""
    return server_of(place) or connect(place)


@lru_cache(maxsize=4)
def _client(uri: str, artifacts: Path) -> MlflowClient:
    import mlflow
    from mlflow.tracking import MlflowClient

    _import_without_feast()
    for name in ("mlflow.store.db.utils", "alembic.runtime.migration", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    file = file_of(uri)
    if file is not None:
        ensure(file, artifacts)
    # some of MLflow's functions look at the global address, whatever a client was given
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.search_experiments(max_results=1)  # connects; a server that is away fails here
    return client


def _import_without_feast() -> None:
    """Feast announces headers for MLflow's requests; finding them imports Feast and with it
    torch (8 s) before the first request. Other plugins are kept."""
    from mlflow.utils import plugins

    found = plugins.get_entry_points
    plugins.get_entry_points = lambda group: [
        entry for entry in found(group) if not entry.value.startswith("feast.")
    ]
    try:
        importlib.import_module("mlflow.tracking.request_header.registry")
    finally:
        plugins.get_entry_points = found


def _be_quiet() -> None:
    """Usage reporting off, before the import; and no minutes of retrying."""
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # a server over S3 offers addresses of S3 itself, which nobody outside of the cluster reaches:
    # the client would try them for minutes
    for way in ("UPLOAD", "DOWNLOAD"):
        os.environ.setdefault(f"MLFLOW_ENABLE_PROXY_MULTIPART_{way}", "false")


@contextmanager
def exclusive(place: Place, name: str) -> Iterator[None]:
    """One process of this home at a time; the lock falls with its holder."""
    make_home(place.home)
    with locked(place.home / f"{name}.lock"):
        yield


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """MLflow's exceptions as errors of ours."""
    try:
        yield
    except MizzenError:
        raise
    except Exception as error:
        kind = _kind(error)
        if kind is None:
            raise
        address = "the home's mlflow.db" if is_local(place) else place.profile.tracking.uri
        raise kind(
            f"MLflow: {masked(str(error)).splitlines()[0][:300]}",
            given=address,
            next_step="see that MLflow is up, then try again: mizzen doctor"
            if kind is TemporaryError
            else None,
        ) from error


def _kind(error: Exception) -> type[MizzenError] | None:
    library = type(error).__module__.partition(".")[0]
    if library in {"requests", "urllib3"} or isinstance(error, ConnectionError | TimeoutError):
        return TemporaryError
    if library != "mlflow":
        return None
    code = getattr(error, "error_code", "")
    if code == "RESOURCE_DOES_NOT_EXIST":
        return NotFound
    return TemporaryError if code in _AWAY else UserError


def experiment(client: MlflowClient, place: Place) -> str:
    """The project's experiment; its id."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(place.project)
    if found is None:
        folder = str(place.home / ARTIFACTS) if is_local(place) else None
        try:
            return str(client.create_experiment(place.project, folder, dict([_TRAINING])))
        except MlflowException:  # another process was first
            found = client.get_experiment_by_name(place.project)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise _deleted(place, str(found.experiment_id))
    if _TRAINING[0] not in found.tags:  # of an earlier Mizzen; a person's choice stays
        client.set_experiment_tag(found.experiment_id, *_TRAINING)
    return str(found.experiment_id)


def _deleted(place: Place, number: str) -> UserError:
    address = shlex.quote(without_credentials(uri_of(place)).partition("?")[0])
    return UserError(
        f"the MLflow experiment {place.project!r} was deleted, so it takes no runs or models",
        given=f"experiment {number}",
        next_step="restore it, then resume the run: "
        f"MLFLOW_TRACKING_URI={address} mlflow experiments restore --experiment-id {number}",
    )


def find_run(client: MlflowClient, place: Place, tags: dict[str, str]) -> str | None:
    """The newest MLflow run with these tags; its id."""
    wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    runs = client.search_runs([experiment(client, place)], wanted, max_results=1)
    return str(runs[0].info.run_id) if runs else None


def local_path(place: Place, uri: str) -> Path:
    """The folder behind a local artifact URI: below this home, also when MLflow wrote down the
    path of a home that was moved or copied since."""
    written = Path(uri.removeprefix("file://"))
    root = place.home / ARTIFACTS
    _, found, inside = uri.rpartition(f"/{ARTIFACTS}/")
    if not found or written.is_relative_to(root) or ".." in Path(inside).parts:
        return written
    return root / inside


def own_path(place: Place, uri: str) -> Path:
    """The folder behind a local artifact URI, to be written or replaced.

    Raises:
        IntegrityError: it is not below this home's artifacts, whatever MLflow wrote down.
    """
    path, root = local_path(place, uri), place.home / ARTIFACTS
    if ".." in path.parts or not path.parent.resolve().is_relative_to(root.resolve()):
        raise IntegrityError(
            "MLflow's database names a folder outside of the home's artifacts",
            given=path,
            allowed=f"a folder below {root}",
            next_step="restore mlflow.db from a backup, or move it away and train again",
        )
    return path
