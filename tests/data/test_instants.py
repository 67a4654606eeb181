"""An instant is the same one in every form that ISO 8601 has for it, in data and in requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mizzen.core.canonical import canonical_text
from mizzen.core.encoding import Encoder, fit_category
from mizzen.errors import InvalidData
from mizzen_components.snapshot.instants import to_instants
from mizzen_serving.contract import ALLOWED, INSTANT_YEARS, contract_of
from mizzen_serving.decoding import Decoder
from mizzen_serving.refusals import RefusedRequest
from mizzen_tests.soak import examples

from .test_names import project

OUTSIDE = ["9999-12-31T23:59:59-14", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+09"]

FIRST = datetime(1, 1, 2, tzinfo=UTC)
LAST = datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    """Of a project with an event time `at` and a category `c` that is declared an instant."""
    data = {"source": {"path": "x.csv"}, "key": ["id"], "event_time": "at"}
    declared = fit_category("c", np.array(["2024-03-01T12:00:00Z"]), "declared instant")
    return Decoder(contract_of(project(data=data), encoder=Encoder((), (declared,))))


def forms(at: datetime, hours: int, finer: str) -> list[str]:
    """Texts of one instant; `finer`: digits below a microsecond, which are cut."""
    zone = timezone(timedelta(hours=hours))
    text = at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="microseconds") + finer
    offset = f"{'-' if hours < 0 else '+'}{abs(hours):02d}"
    ours = at.replace(tzinfo=None).isoformat(timespec="microseconds") + finer
    return [
        *(text + offset + minutes for minutes in ("", ":00", "00")),
        *(text.replace("T", between) + offset for between in (" ", "t")),
        *(ours + zulu for zulu in ("Z", "z", "-00")),
    ]


@pytest.mark.soak
@settings(max_examples=examples(50, 20_000), deadline=None)
@given(
    at=st.datetimes(timezones=st.just(UTC)).filter(lambda at: FIRST <= at <= LAST),
    hours=st.integers(-14, 14),
    finer=st.sampled_from(["", "4", "9", "999"]),
)
@example(at=LAST, hours=9, finer="999")
@example(at=FIRST, hours=-14, finer="")
@example(at=datetime(2024, 3, 1, tzinfo=UTC), hours=9, finer="")
def test_an_instant_is_the_same_in_every_form_in_data_and_in_requests(
    decoder: Decoder, at: datetime, hours: int, finer: str
) -> None:
    known = INSTANT_YEARS[0] <= at.year <= INSTANT_YEARS[1]
    for text in forms(at, hours, finer):
        assert to_instants(pd.Series([text], name="at")).tolist() == [at]
        ((value, _, _, _),) = decoder.decode(json.dumps({"c": text}).encode()).rows
        assert value == canonical_text(at)
        body = json.dumps({"rows": [{"c": None, "at": text}]}).encode()
        if known:
            ((_, _, time, _),) = decoder.decode(body).rows
            assert time == at
        elif at.year not in (INSTANT_YEARS[0] - 1, INSTANT_YEARS[1] + 1):
            with pytest.raises(RefusedRequest) as refused:
                decoder.decode(body)
            assert (refused.value.status, refused.value.field) == (422, "rows[0].at")
            assert refused.value.allowed == ALLOWED["time"]


@pytest.mark.parametrize("text", [*OUTSIDE, "2024-03-01T12:00:00", "2024-03-01", "soon+09", "+09"])
def test_what_is_no_instant_of_these_years_is_refused_in_data_and_in_requests(
    decoder: Decoder, text: str
) -> None:
    with pytest.raises(InvalidData):
        to_instants(pd.Series([text], name="at"))
    for name in ("c", "at"):
        body = json.dumps([{"c": None}, {"c": None, name: text}]).encode()
        with pytest.raises(InvalidData, match=name):
            decoder.decode(body)


def test_an_instant_that_is_sent_twice_or_beside_another_fault_is_still_refused(
    decoder: Decoder,
) -> None:
    with pytest.raises(RefusedRequest) as refused:
        decoder.decode(b'{"c":null,"at":"2024-03-01T12+09","at":"2024-03-01T12+10"}')
    assert refused.value.field == "at"
    with pytest.raises(RefusedRequest) as refused:
        decoder.decode(b'{"c":7,"at":"2024-03-01T12+09"}')
    assert refused.value.field == "c"
