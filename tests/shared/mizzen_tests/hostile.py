"""Values and bytes that clients should not send, for tests that make up requests."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st

JSON_PIECES = [b"[" * 3000, b'{"rows":', b"\\ud8", b"1e999", b"\xff"]

odd_numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([2**53, 2**63, -(2**63), 2**64, 10**23, 10**400, 1e308, 5e-324, -0.0]),
)
odd_texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "\0",
            "\ud800",
            "2013-07-01T12:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "886313e1-3b8a-5372-9b90-0c9aee199e5d",
            "886313e1-3b8a-5372-9b90-0c9aee199e5d\n",
            "NaN",
            "x" * 5000,
        ]
    ),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), odd_numbers, odd_texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=3),
    max_leaves=6,
)


def broken(body: bytes, chance: random.Random, pieces: Sequence[bytes] = JSON_PIECES) -> bytes:
    """Some bytes are lost, doubled, exchanged or come from elsewhere."""
    part = bytearray(body)
    for _ in range(chance.randint(1, 3)):
        at, length = chance.randint(0, len(part)), chance.randint(1, 9)
        match chance.randint(0, 4):
            case 0:
                del part[at : at + length]
            case 1:
                part[at:at] = part[at : at + length]
            case 2:
                part[at:at] = bytes(chance.randrange(256) for _ in range(length))
            case 3:
                part[at:at] = chance.choice(pieces)
            case _:
                del part[at:]
    return bytes(part)
