"""An MLflow server asked over HTTP: versions, aliases, artifacts.

Importing MLflow takes seconds and 100 MB. Whoever only fetches a version (the init container of
a service, a step that evaluates the champion) does without; `registry` and `connection` use this
wherever the profile names a server. Artifacts come through the server's proxy
(`mlflow server --artifacts-destination`), so that nobody but the server needs their storage's
credentials.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
from collections.abc import Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from mizzen.adapters.http.client import FAULTS, Body, HttpClient
from mizzen.errors import IntegrityError, MizzenError, NotFound, TemporaryError, UserError

SCHEMES = ("http", "https")
PROXIED = "mlflow-artifacts"
SECONDS = 20.0
_API = "/api/2.0/mlflow"
_FILES = "/api/2.0/mlflow-artifacts/artifacts"
_PAGE = 1000


class MlflowServer:
    """One server. Credentials come from the address or from MLflow's own variables
    (MLFLOW_TRACKING_TOKEN, MLFLOW_TRACKING_USERNAME and _PASSWORD); a private authority's
    certificate from MLFLOW_TRACKING_SERVER_CERT_PATH."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
        self.address = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        self._authorization = _authorization(parts.username, parts.password)

    def get_model_version(self, name: str, version: str) -> Any:
        """One version, with `name`, `version`, `source`, `tags` and `creation_timestamp`.

        Raises:
            NotFound: no such version.
        """
        asked = {"name": name, "version": version}
        return _version(self._ask("/model-versions/get", asked)["model_version"])

    def search_model_versions(self, wanted: str, max_results: int) -> list[Any]:
        """The versions that MLflow's filter lets through."""
        found: list[Any] = []
        asked = {"filter": wanted, "max_results": str(min(_PAGE, max_results))}
        while len(found) < max_results:
            answer = self._ask("/model-versions/search", asked)
            found += map(_version, answer.get("model_versions", ()))
            if not answer.get("next_page_token"):
                break
            asked["page_token"] = answer["next_page_token"]
        return found[:max_results]

    def get_registered_model(self, name: str) -> Any:
        """A model, with its `aliases`."""
        model = self._ask("/registered-models/get", {"name": name})["registered_model"]
        aliases = {entry["alias"]: entry["version"] for entry in model.get("aliases", ())}
        return SimpleNamespace(name=name, aliases=aliases)

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        """Set one tag."""
        body = {"name": name, "version": version, "key": key, "value": value}
        data = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        self._open("POST", f"{_API}/model-versions/set-tag", data, headers).close()

    def download(self, source: str, into: Path) -> None:
        """Write everything below an artifact address into a new folder.

        Raises:
            NotFound: nothing lies there.
            UserError: the server does not hand these artifacts out.
        """
        root = _inside(source)
        into.mkdir(parents=True)
        count = 0
        for path in self._files(root):
            target = into / _safe(path, root)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._fetch(path, target)
            count += 1
        if count == 0:
            raise NotFound("MLflow holds no artifacts there", given=source)

    def upload(self, folder: Path, target: str) -> None:
        """Put every file of a folder below an artifact address; what is there is replaced."""
        root = _inside(target)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            path = _artifact(f"{root}/{file.relative_to(folder).as_posix()}")
            size = {"content-length": str(file.stat().st_size), "content-type": _kind(file)}
            with file.open("rb") as content:
                self._open("PUT", path, content, size).close()

    def page_of(self, source: str) -> str:
        """The page that shows an artifact of a run."""
        experiment, run, _, path = _inside(source).split("/", 3)
        return f"{self.address}/#/experiments/{experiment}/runs/{run}/artifacts/{path}"

    def _files(self, path: str) -> Iterator[str]:
        with self._open("GET", f"{_FILES}?{urlencode({'path': path})}") as answer:
            listed = json.load(answer).get("files", [])
        for entry in listed:
            inner = f"{path}/{_safe(entry['path'], '')}"
            if entry.get("is_dir"):
                yield from self._files(inner)
            else:
                yield inner

    def _fetch(self, path: str, target: Path) -> None:
        try:
            with self._open("GET", _artifact(path)) as answer, target.open("wb") as file:
                shutil.copyfileobj(answer, file, 1 << 20)
        except (HTTPException, TimeoutError, ConnectionError) as error:
            raise self._away(error) from None

    def _ask(self, path: str, asked: Mapping[str, str]) -> dict[str, Any]:
        with self._open("GET", f"{_API}{path}?{urlencode(asked)}") as answer:
            try:
                found: dict[str, Any] = json.load(answer)
            except ValueError:
                raise UserError(
                    "this address answers, but not as an MLflow server does",
                    given=self.address,
                    next_step="fix tracking.uri of the profile",
                ) from None
        return found

    def _open(
        self, method: str, path: str, body: Body = None, headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        try:
            answer = self._client.open(method, path, body, headers or {})
        except FAULTS as error:
            raise self._away(error) from None
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            with answer:
                raise self._refused(answer)
        return answer

    @cached_property
    def _client(self) -> HttpClient:
        authority = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
        try:
            tls = ssl.create_default_context(cafile=authority or None)
        except OSError as error:
            raise UserError(
                "the certificate authority for MLflow cannot be read",
                given=f"MLFLOW_TRACKING_SERVER_CERT_PATH={authority}: {error}",
            ) from None
        known = self._authorization
        headers = {} if known is None else {"authorization": known}
        return HttpClient(self.address, headers=headers, seconds=SECONDS, tls=tls, proxied=True)

    def _away(self, why: object) -> TemporaryError:
        return TemporaryError(
            "MLflow does not answer",
            given=f"{self.address}: {why}",
            next_step="see that MLflow is up, then try again: mizzen doctor",
        )

    def _refused(self, answer: HTTPResponse) -> MizzenError:
        status = answer.status
        code, told = _told(answer)
        message = f"MLflow: {told}"
        if status in {401, 403}:
            return UserError(
                f"MLflow refuses this client ({status})",
                given=f"{self.address}: {told}",
                next_step="fix the credentials (MLFLOW_TRACKING_TOKEN, or _USERNAME and"
                " _PASSWORD), or the server's --allowed-hosts",
            )
        if status == 404 or code == "RESOURCE_DOES_NOT_EXIST":
            return NotFound(message, given=self.address)
        if status == 429 or status >= 500:
            return TemporaryError(message, given=self.address, next_step="try again")
        return UserError(message, given=self.address)


def _authorization(user: str | None, password: str | None) -> str | None:
    user = unquote(user or "") or os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    if user:
        secret = unquote(password or "") or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
        return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return f"Bearer {token}" if token else None


def _version(document: Mapping[str, Any]) -> Any:
    tags = {tag["key"]: tag["value"] for tag in document.get("tags", ())}
    known = {key: document.get(key) for key in ("name", "version", "source")}
    created = int(document.get("creation_timestamp", 0))
    return SimpleNamespace(**known, tags=tags, creation_timestamp=created)


def is_proxied(source: str) -> bool:
    """Whether a server hands out what lies at an artifact address."""
    return urlsplit(source).scheme == PROXIED


def _artifact(path: str) -> str:
    return f"{_FILES}/{quote(path)}"


def _inside(source: str) -> str:
    """An artifact address as the path that the proxy knows."""
    parts = urlsplit(source)
    if not is_proxied(source):
        raise UserError(
            "the MLflow server does not hand out these artifacts itself",
            given=source,
            allowed=f"{PROXIED}:/...",
            next_step="start it with --artifacts-destination and --serve-artifacts, then train",
        )
    return parts.path.strip("/")


def _safe(path: str, root: str) -> PurePosixPath:
    """A path below `root`, relative to it."""
    inner = PurePosixPath(path).relative_to(root) if root else PurePosixPath(path)
    if inner.is_absolute() or ".." in inner.parts or not inner.parts:
        raise IntegrityError("MLflow names a file outside of the package", given=path)
    return inner


def _kind(file: Path) -> str:
    kinds = {".html": "text/html", ".json": "application/json", ".txt": "text/plain"}
    return kinds.get(file.suffix, "application/octet-stream")


def _told(answer: HTTPResponse) -> tuple[str, str]:
    """MLflow's code and words in a refusal."""
    text = answer.read(10_000).decode("utf-8", "replace")
    try:
        document = json.loads(text)
        return str(document.get("error_code", "")), str(document.get("message", ""))[:300]
    except (ValueError, AttributeError):
        return "", text.strip()[:300] or answer.reason
