"""How bytes lie in a segment, and how damaged bytes are stepped over.

A frame is `MAGIC | length u32 | crc32 u32 | payload`, little endian. The marker lets a reader
find the next whole frame behind a damaged one, whatever was damaged. Used by `segment`
(writing) and `reader`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from zlib import crc32

Data = bytes | mmap
MAGIC = b"\xf5MZ\x01"
_HEAD = struct.Struct("<4sII")
HEAD_BYTES = _HEAD.size


@dataclass(slots=True)
class Damage:
    """`corrupt`: frames whose content does not match its checksum. `torn`: a tail that ends
    before its frame does."""

    corrupt: int = 0
    torn: int = 0


def frame(payload: bytes) -> bytes:
    """The payload with its head."""
    return _HEAD.pack(MAGIC, len(payload), crc32(payload)) + payload


def payloads(data: Data, damage: Damage, live: bool = False) -> Iterator[bytes]:
    """Whole payloads in order; what is damaged is skipped and counted in `damage`.

    Args:
        data: a segment from its beginning.
        damage: added to.
        live: a writer still appends, so an unfinished tail is no damage.
    """
    position = 0
    while position < len(data):
        payload = _payload_at(data, position)
        if payload is not None:
            yield payload
            position += HEAD_BYTES + len(payload)
            continue
        following = _next_whole(data, position + 1)
        if following is not None:
            damage.corrupt += 1
            position = following
            continue
        _count_tail(data, position, damage, live)
        return


def whole(data: Data, start: int = 0) -> int:
    """Where the last whole frame ends; what follows is unfinished. `start`: where a frame is
    known to end."""
    end, position = start, start
    while position < len(data):
        payload = _payload_at(data, position)
        if payload is not None:
            end = position = position + HEAD_BYTES + len(payload)
            continue
        following = _next_whole(data, position + 1)
        if following is None:
            return end
        position = following
    return end


def _payload_at(data: Data, position: int) -> bytes | None:
    start = position + HEAD_BYTES
    if start > len(data):
        return None
    magic, length, checksum = _HEAD.unpack_from(data, position)
    if magic != MAGIC or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if crc32(payload) == checksum else None


def _next_whole(data: Data, position: int) -> int | None:
    position = data.find(MAGIC, position)
    while position != -1:
        if _payload_at(data, position) is not None:
            return position
        position = data.find(MAGIC, position + 1)
    return None


def _count_tail(data: Data, position: int, damage: Damage, live: bool) -> None:
    whole_head = position + HEAD_BYTES <= len(data)
    if whole_head:
        magic, length, _ = _HEAD.unpack_from(data, position)
        if magic == MAGIC and position + HEAD_BYTES + length <= len(data):
            damage.corrupt += 1
            return
    if not live:
        damage.torn += 1
