"""The model registry on MLflow (port: `mizzen.ports.models.Registry`).

Registering is atomic: files, parameters and metrics are stored first under an MLflow run that
no version names; the last act creates the version with all its tags in one transaction. What
was interrupted is invisible, and trying again finishes it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.adapters.files.atomic import replaced_folder
from mizzen.adapters.files.folders import copy_folder, remove_below, told_when_full
from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.database import alias_in, file_of
from mizzen.adapters.mlflow.package import PACKAGE, digest_of, stage, unstage, verify
from mizzen.adapters.mlflow.rest import MlflowServer, is_proxied
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, NotFound
from mizzen.masking import masked
from mizzen.ports.models import ModelVersion, Registry

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    Reader = MlflowClient | MlflowServer

RUN = "mizzen.run_id"
MLMODEL_TAG = "mizzen.mlmodel"  # digest of the file that tells MLflow how to load the package
METRIC, VARIANT = "metric.", "mizzen.variant."
_LONGEST = 5000  # characters; MLflow refuses longer tags and parameters


class MLflowRegistry(Registry):
    """Versions of one place's MLflow."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def register(
        self,
        name: str,
        package: Path,
        run_id: str,
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        parameters: Mapping[str, Any],
    ) -> int:
        """See the port. Two runs at once register one after the other."""
        digest = digest_of(package)
        place = self._place
        with connection.translated(place), connection.exclusive(place, "mlflow-register"):
            client = connection.connect(place)
            known = next(iter(_find(client, name, {PACKAGE: digest, RUN: run_id})), None)
            if known is None:
                stored = self._store(client, package, run_id, digest, metrics, parameters)
                source, run, mlmodel = stored
                own = {PACKAGE: digest, MLMODEL_TAG: mlmodel, RUN: run_id}
                own |= _metric_tags(metrics)
                known = _create(client, name, source, run, {**tags, **own})
            self._keep(name, known, package, digest)
            return known

    def find(self, name: str, tags: Mapping[str, str]) -> list[int]:
        """See the port."""
        with connection.translated(self._place):
            return _find(connection.reader(self._place), name, tags)

    def fetch(self, name: str, version: int, into: Path, variant: str | None = None) -> Path:
        """See the port: `<into>/<name>/<version>`, or `<version>-<variant>`. MLflow is only asked
        the first time, or when what lies there was changed."""
        folder = into / name / (str(version) if variant is None else f"{version}-{variant}")
        note = _note(folder)
        if note.get("uri") == masked(connection.uri_of(self._place)):
            try:
                return verify(folder, note["package"])
            except IntegrityError:
                shutil.rmtree(folder, ignore_errors=True)
        what = f"{name} version {version}"
        with connection.translated(self._place):
            found = self._version(connection.reader(self._place), name, version)
            source, digest = _stored(found, what, variant)
            mlmodel = found.tags.get(MLMODEL_TAG, "") if variant is None else None
            with replaced_folder(folder) as scratch:
                self._download(what, source, scratch)
                if mlmodel is not None:
                    unstage(scratch, mlmodel)
                verify(scratch, digest)
            _put_down(folder, self._place, digest)
        return folder

    def add_variant(self, name: str, version: int, variant: str, package: Path) -> None:
        """See the port. The tag that names it comes last, so what is half stored is not seen."""
        digest = digest_of(package)
        place = self._place
        with connection.translated(place), connection.exclusive(place, "mlflow-register"):
            client = connection.reader(place)
            self._put(package, _beside(self._version(client, name, version).source, variant))
            client.set_model_version_tag(name, str(version), VARIANT + variant, digest)

    def keep(self, name: str, version: int, folder: Path, under: str) -> str:
        """See the port: artifacts of the run that the version was made by."""
        with connection.translated(self._place):
            found = self._version(connection.reader(self._place), name, version)
            target = _beside(found.source, under)
            self._put(folder, target)
        server = connection.server_of(self._place)
        return target if server is None else server.page_of(target)

    def get(self, name: str, version: int) -> ModelVersion:
        """See the port."""
        known = {found.version: found for found in self.versions(name)}
        if version not in known:
            raise NotFound(
                f"{name} has no version {version}",
                allowed=", ".join(map(str, known)) or "none registered yet",
            )
        return known[version]

    def versions(self, name: str) -> list[ModelVersion]:
        """See the port; empty for a name that has none."""
        with connection.translated(self._place):
            client = connection.reader(self._place)
            found = client.search_model_versions(f"name = '{name}'", max_results=10_000)
            aliases = _aliases(client, name) if found else {}
        values = [_value(version, aliases) for version in found]
        return sorted(values, key=lambda version: version.version)

    def alias(self, name: str, alias: str) -> int | None:
        """See the port. A file is read without MLflow, whose import takes seconds."""
        place = self._place
        with connection.translated(place):
            file = file_of(connection.uri_of(place))
            if file is not None:
                return alias_in(file, name, alias)
            try:
                return _aliases(connection.reader(place), name).get(alias)
            except NotFound:
                return None

    def set_alias(self, name: str, alias: str, version: int | None) -> None:
        """See the port."""
        with connection.translated(self._place):
            client = connection.connect(self._place)
            if version is not None:
                self._version(client, name, version)
                client.set_registered_model_alias(name, alias, str(version))
            elif alias in _aliases(client, name):
                client.delete_registered_model_alias(name, alias)

    def _version(self, client: Reader, name: str, version: int) -> Any:
        try:
            with connection.translated(self._place):
                return client.get_model_version(name, str(version))
        except NotFound:
            found = client.search_model_versions(f"name = '{name}'", max_results=10_000)
            known = sorted(int(other.version) for other in found)
            raise NotFound(
                f"{name} has no version {version}",
                allowed=", ".join(map(str, known)) or "none registered yet",
            ) from None

    def _store(
        self,
        client: MlflowClient,
        package: Path,
        run_id: str,
        digest: str,
        metrics: Mapping[str, float],
        parameters: Mapping[str, Any],
    ) -> tuple[str, str, str]:
        """Everything but the version: the package's source URI, the MLflow run, and the digest
        of `MLmodel`."""
        tags = {RUN: run_id, PACKAGE: digest, "mizzen.kind": "model"}
        run = connection.find_run(client, self._place, tags) or self._open(client, tags)
        source = client.get_run(run).info.artifact_uri + "/model"
        scratch = self._place.home / "work" / f"register-{run}-{os.getpid()}"
        try:
            shutil.rmtree(scratch, ignore_errors=True)
            with told_when_full("the model; no version was made"):
                mlmodel = stage(package, scratch, run, digest)
                self._upload(client, scratch, source, run)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        for key, value in parameters.items():
            client.log_param(run, key, str(value)[:_LONGEST])
        for key, number in metrics.items():
            client.log_metric(run, key, number)
        client.set_terminated(run, "FINISHED")
        return source, run, mlmodel

    def _open(self, client: MlflowClient, tags: dict[str, str]) -> str:
        parent = connection.find_run(client, self._place, {RUN: tags[RUN], "mizzen.kind": "run"})
        nested = {} if parent is None else {"mlflow.parentRunId": parent}
        where = connection.experiment(client, self._place)
        run = client.create_run(where, run_name="model", tags={**tags, **nested})
        return str(run.info.run_id)

    def _upload(self, client: MlflowClient, folder: Path, source: str, run: str) -> None:
        if not connection.is_local(self._place):
            client.log_artifacts(run, str(folder), "model")
            return
        target = connection.own_path(self._place, source)
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_below(target.parent, target.name)  # of an attempt that made no version
        shutil.move(folder, target)

    def _put(self, folder: Path, target: str) -> None:
        """Replace what lies at an artifact address by a copy of a folder."""
        server = connection.server_of(self._place)
        if server is not None:
            server.upload(folder, target)
            return
        path = connection.own_path(self._place, target)
        with replaced_folder(path) as scratch:
            with told_when_full(f"a copy of {folder.name}"):
                copy_folder(folder, scratch)
            remove_below(path.parent, path.name)

    def _download(self, what: str, source: str, into: Path) -> None:
        into.parent.mkdir(parents=True, exist_ok=True)
        if connection.is_local(self._place):
            stored = connection.local_path(self._place, source)
            if not stored.is_dir():
                raise IntegrityError(
                    f"the package of {what} is gone",
                    given=f"{stored} is not there",
                    next_step="restore that folder, or train again: mizzen run --no-cache",
                )
            copy_folder(stored, into)
            return
        server = connection.server_of(self._place)
        if server is not None and is_proxied(source):
            server.download(source, into)
            return
        from mlflow.artifacts import download_artifacts  # from a storage that this machine reaches

        connection.connect(self._place)
        into.mkdir()
        uri = connection.uri_of(self._place)
        fetched = Path(download_artifacts(source, dst_path=str(into), tracking_uri=uri))
        if fetched != into:  # it comes in a folder named after the source
            for entry in fetched.iterdir():
                shutil.move(entry, into / entry.name)
            fetched.rmdir()

    def _keep(self, name: str, version: int, package: Path, digest: str) -> None:
        """Put a fresh version where `fetch` looks first; evaluation and serving need it next."""
        folder = self._place.home / "packages" / name / str(version)
        with suppress(OSError):  # it is a copy; the version itself is stored
            with replaced_folder(folder) as scratch:
                copy_folder(package, scratch)
            _put_down(folder, self._place, digest)


def _put_down(folder: Path, place: Place, digest: str) -> None:
    note = {"package": digest, "uri": masked(connection.uri_of(place))}
    folder.with_suffix(".json").write_text(json.dumps(note), encoding="utf-8")


def _note(folder: Path) -> dict[str, str]:
    try:
        note: dict[str, str] = json.loads(folder.with_suffix(".json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note


def _find(client: Reader, name: str, tags: Mapping[str, str]) -> list[int]:
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    found = client.search_model_versions(f"name = '{name}' and {wanted}", max_results=100)
    return sorted(int(version.version) for version in found)


def _create(client: MlflowClient, name: str, source: str, run: str, tags: Mapping[str, str]) -> int:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(name)
    except MlflowException:
        client.create_registered_model(name)
    short = {key: value[:_LONGEST] for key, value in tags.items()}
    return int(client.create_model_version(name, source, run, tags=short).version)


def _stored(found: Any, what: str, variant: str | None) -> tuple[str, str]:
    """Where a package of a version lies, and its digest."""
    if variant is None:
        return found.source, found.tags[PACKAGE]
    digest = found.tags.get(VARIANT + variant)
    if digest is None:
        raise NotFound(f"{what} has no {variant} variant", allowed=", ".join(_variants(found.tags)))
    return _beside(found.source, variant), digest


def _beside(source: str, name: str) -> str:
    return f"{source.rstrip('/').rpartition('/')[0]}/{name}"


def _variants(tags: Mapping[str, str]) -> list[str]:
    return sorted(tag.removeprefix(VARIANT) for tag in tags if tag.startswith(VARIANT))


def _aliases(client: Reader, name: str) -> dict[str, int]:
    aliases = client.get_registered_model(name).aliases
    return {alias: int(version) for alias, version in aliases.items()}


def _metric_tags(metrics: Mapping[str, float]) -> dict[str, str]:
    # metrics of a version come with the versions themselves, not with one query for each
    return {METRIC + name: repr(float(value)) for name, value in metrics.items()}


def _value(found: Any, aliases: Mapping[str, int]) -> ModelVersion:
    version = int(found.version)
    tags = {k: v for k, v in found.tags.items() if not k.startswith(METRIC)}
    numbers = {k: float(v) for k, v in found.tags.items() if k.startswith(METRIC)}
    return ModelVersion(
        name=found.name,
        version=version,
        run_id=tags.get(RUN, ""),
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat(),
        aliases=tuple(sorted(alias for alias, number in aliases.items() if number == version)),
        tags=tags,
        metrics={name.removeprefix(METRIC): value for name, value in numbers.items()},
        variants=tuple(_variants(tags)),
    )
