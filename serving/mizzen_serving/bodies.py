"""The body of a request, read up to its limit: as it came, or as it was compressed."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mizzen_serving.refusals import RefusedRequest

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_KINDS = (b"application/json", b"application/x-www-form-urlencoded", b"text/plain")
_ENCODINGS = "identity, gzip, deflate"
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class ClientGone(Exception):
    """The client went away before its request was whole: there is nobody to answer."""


async def read_body(headers: list[tuple[bytes, bytes]], receive: Receive, limit: int) -> bytes:
    """The body, decompressed where `Content-Encoding` says so.

    Raises:
        RefusedRequest: 413 before more than `limit` bytes are read or unpacked, 415 for a type or
            an encoding that is not taken, 400 for a body that is not what its encoding says.
        ClientGone: it broke off.
    """
    kind, encoding, length = _KINDS[0], b"identity", b"0"
    for name, value in headers:
        if name == b"content-type":
            kind = value.partition(b";")[0].strip().lower()
        elif name == b"content-length":
            length = value
        elif name == b"content-encoding":
            encoding = value.strip().lower()
    if kind not in _KINDS:
        raise RefusedRequest(
            415,
            "unsupported content type",
            given=kind.decode("latin-1"),
            allowed="application/json",
        )
    if int(length) > limit:
        raise _too_large(int(length), limit)
    body = await _read(receive, limit)
    return body if encoding == b"identity" else _unpack(body, encoding, limit)


async def _read(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        return bytes(message.get("body", b""))
    parts, size = [], 0
    while True:
        if message["type"] != "http.request":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(size, limit)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _unpack(body: bytes, encoding: bytes, limit: int) -> bytes:
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise RefusedRequest(
            415,
            "unsupported content encoding",
            given=encoding.decode("latin-1"),
            allowed=_ENCODINGS,
            next_step="send the body in one of these encodings",
        )
    try:
        return _inflate(body, _ZLIB_OR_GZIP, limit)
    except zlib.error as error:
        if encoding != b"deflate":
            raise _broken(encoding, error) from None
    try:  # some clients send deflate without zlib's header
        return _inflate(body, _RAW, limit)
    except zlib.error as error:
        raise _broken(encoding, error) from None


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    """Never unpacks more than one byte above the limit, whatever the body would become."""
    parts, size = [], 0
    while body:
        member = zlib.decompressobj(window)
        parts.append(member.decompress(body, limit - size + 1))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(size, limit)
        if not member.eof:
            raise zlib.error("the compressed data breaks off")
        body = member.unused_data
    return b"".join(parts)


def _broken(encoding: bytes, error: Exception) -> RefusedRequest:
    return RefusedRequest(
        400,
        "the body is not what its Content-Encoding says",
        given=error,
        allowed=encoding.decode("latin-1"),
        next_step="compress the body whole, or send it without Content-Encoding",
    )


def _too_large(size: int, limit: int) -> RefusedRequest:
    return RefusedRequest(
        413,
        "the body is too large",
        given=f"{size} bytes" if size != limit + 1 else f"more than {limit} bytes",
        allowed=f"{limit} bytes",
        next_step="send fewer rows at once",
    )
