"""`python -m mizzen.api.reference [FOLDER]` writes how the API is described (`make generate`): as
OpenAPI for programs, and as a page for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mizzen.api.app import PREFIX, create_app
from mizzen.api.pages import MOST
from mizzen.api.roles import COMMANDS, Role
from mizzen.api.settings import ModelServices, Settings, Tokens
from mizzen.state.database import Database
from mizzen.state.sql_state import SqlState
from mizzen.state.sqlalchemy_store import ServerStore

FILE = Path("docs/reference/control-api.openapi.json")
PAGE = FILE.with_name("control-api.md")
_HEAD = f"""\
# Control API

Generated from the routes by `python -m mizzen.api.reference`; every request and answer in detail
is in [control-api.openapi.json](control-api.openapi.json), which a running API serves at
`{PREFIX}/openapi.json`.

Addresses begin with `{PREFIX}`. Each request carries `Authorization: Bearer TOKEN`, but for
health, metrics, runbooks and problems. [Guard the control API](../how-to/guard-the-control-api.md)
says how callers get names and roles.

- **Author and time** of what is decided are the server's: the token's name, and its clock. A body
  that says them is refused, as is any name that is not described. A version's verdict is the one
  that the state keeps of its run.
- **A command may be repeated.** What has an address of its own is written once, however often it
  is sent; the others take an `Idempotency-Key`: the same command under the same key is done once,
  and answered as it was the first time.
- **Long lists** come in pages of `limit` (100, at most {MOST}); `after` is the last item that was
  seen. A `Link` header with `rel="next"` leads on.
- **What is polled** has an `ETag`; sent back as `If-None-Match`, the answer is 304 until something
  changed.
- **An error** is a problem document (`application/problem+json`, RFC 9457): `type`, `title`,
  `status` and `detail`, and beside them `given`, `allowed`, `next` and `retryable`. `type` leads
  to what that kind of error means. An error of a model's own service is passed on as it is.
"""


def description() -> dict[str, Any]:
    """The API as OpenAPI; no database is opened for it."""
    settings = Settings(Tokens("unused"), ModelServices("http://{model}", ""))
    app = create_app(SqlState(Database(ServerStore("sqlite://"))), settings)
    found: dict[str, Any] = app.openapi()
    return found


def page(described: Mapping[str, Any]) -> str:
    """The same for people."""
    parts = [
        _HEAD,
        *_section("Commands", _commands(described), ("command", "request", "roles", "")),
    ]
    parts += _section("Reads", _reads(described), ("request", "answer"))
    return "\n".join(parts)


def write(folder: Path = FILE.parent) -> list[Path]:
    """Write both into `folder`."""
    described = description()
    texts = {
        FILE.name: f"{json.dumps(described, indent=1, sort_keys=True)}\n",
        PAGE.name: page(described),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _section(
    title: str, rows: Iterator[tuple[str, ...]], columns: tuple[str, ...]
) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _commands(described: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for method, path, operation in _operations(described):
        if method != "GET":
            name = operation["operationId"].partition("_api_v1")[0]
            roles = COMMANDS[name]
            said = ", ".join(role.value for role in Role if role in roles)
            yield f"`{name}`", f"`{method} {path}`", said, _summary(operation)


def _reads(described: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for method, path, operation in _operations(described):
        if method == "GET":
            asked = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
            query = f"?{'&'.join(asked)}" if asked else ""
            yield f"`GET {path}{query}`", _summary(operation)


def _operations(described: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in sorted(described["paths"].items()):
        for method, operation in sorted(methods.items()):
            yield method.upper(), path.removeprefix(PREFIX), operation


def _summary(operation: Mapping[str, Any]) -> str:
    return " ".join(str(operation.get("description", "")).split())


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:2]))
