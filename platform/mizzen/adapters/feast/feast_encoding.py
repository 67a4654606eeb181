"""Feast's bytes without Feast: entity keys and values as its online stores hold them.

The service reads with these and so does without importing Feast, which costs seconds and 200 MB;
a test compares every form with Feast's own. Entity keys are Feast's serialization 3; a value is
the protobuf message `feast.types.Value`, of which only three kinds occur (see `definitions`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from mizzen.errors import IntegrityError

_STRING = 2  # ValueType.STRING
_LENGTH = struct.Struct("<I")
_LENGTH_PAIR = struct.Struct("<II")
_DOUBLE = struct.Struct("<d")
# a field's number and how it is written, as protobuf's first byte
_TEXT, _INT64, _FLOAT64 = 2 << 3 | 2, 4 << 3 | 0, 5 << 3 | 1

Value = float | int | str | None


def entity_key(names: Sequence[str], values: Sequence[str]) -> bytes:
    """The key of a row: its join keys in their order, then its values in theirs."""
    pairs = sorted(zip(names, values, strict=True))
    parts = [_LENGTH.pack(len(pairs))]
    for name, _ in pairs:
        text = name.encode()
        parts += [_LENGTH.pack(_STRING), _LENGTH.pack(len(text)), text]
    for _, value in pairs:
        text = value.encode()
        parts += [_LENGTH.pack(_STRING), _LENGTH.pack(len(text)), text]
    return b"".join(parts)


def read_entity_key(data: bytes) -> dict[str, str]:
    """The inverse of `entity_key`: value by name.

    Raises:
        IntegrityError: a key that this store does not write.
    """
    (count,), texts, start = _LENGTH.unpack_from(data), [], 4
    try:
        for _ in range(2 * count):
            kind, length = _LENGTH_PAIR.unpack_from(data, start)
            start += 8 + length
            texts.append(data[start - length : start].decode() if kind == _STRING else None)
    except (struct.error, UnicodeDecodeError):
        texts = [None]
    if None in texts or start != len(data):
        raise IntegrityError("the online store holds a key of an unknown kind", given=data[:20])
    found = [text for text in texts if text is not None]
    return dict(zip(found[:count], found[count:], strict=True))


def encode(value: Value) -> bytes:
    """A value; null, and NaN of a column of numbers, are the empty message."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return b""
    if isinstance(value, str):
        text = value.encode()
        return bytes([_TEXT]) + _varint(len(text)) + text
    if isinstance(value, int):
        return bytes([_INT64]) + _varint(value & (1 << 64) - 1)
    return bytes([_FLOAT64]) + _DOUBLE.pack(value)


def decode(data: bytes) -> Value:
    """The inverse of `encode`.

    Raises:
        IntegrityError: a kind of value that this store does not write.
    """
    if not data:
        return None
    kind = data[0]
    if kind == _FLOAT64 and len(data) == 9:
        number: float = _DOUBLE.unpack_from(data, 1)[0]
        return number
    if kind == _TEXT:
        length, start = _read_varint(data, 1)
        return data[start : start + length].decode()
    if kind == _INT64:
        whole, _ = _read_varint(data, 1)
        return whole - (1 << 64) if whole >> 63 else whole
    raise IntegrityError("the online store holds a value of an unknown kind", given=data[:20])


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return number, position
