"""Requests that no honest client sends: each is refused for itself, and hurts no other."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.encoding import Encoder
from mizzen.errors import TemporaryError
from mizzen_serving.batching import Batcher
from mizzen_serving.contract import ALLOWED, TEXTS, TYPES, contract_of
from mizzen_serving.decoding import Decoder
from mizzen_serving.json_path import first_repeated, path_at
from mizzen_serving.openapi import document
from mizzen_serving.refusals import RefusedRequest

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
TEXT = json.dumps(ROW).encode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flight", 10**23),
        ("flight", -(2**63) - 1),
        ("flight", "a\0b"),
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", "9999-12-31T23:59:59-14:00"),
        ("at", "1677-01-01T00:00:00Z"),
        ("carrier", 10**400),
        ("prediction_id", "886313e1-3b8a-5372-9b90-0c9aee199e5d\n"),
    ],
)
def test_one_poisonous_request_fails_alone_and_names_its_field(start, field, value) -> None:
    ask = start(queue=99)
    bodies = [ROW] * 15 + [{**ROW, field: value}] + [ROW] * 14
    answers = ask.each("POST", "/predict", [json.dumps(body).encode() for body in bodies])
    found = [answer.status_code for answer in answers]
    assert sorted(found) == [200] * 29 + [422]
    assert answers[15].json()["field"] == field


def test_what_the_model_cannot_answer_fails_its_own_request_only(start, monkeypatch) -> None:
    from mizzen_serving.rowencoding import RowEncoder

    encode = RowEncoder.encode

    def picky(self, rows):
        if any(row[0] == 13 for row in rows):
            raise OverflowError("no such distance")
        return encode(self, rows)

    monkeypatch.setattr(RowEncoder, "encode", picky)
    ask = start()
    bodies = [json.dumps({**ROW, "distance": n}).encode() for n in range(30)]
    answers = ask.each("POST", "/predict", bodies)
    assert [n for n, answer in enumerate(answers) if answer.status_code != 200] == [13]
    assert answers[13].status_code == 500


def test_a_batch_that_fails_is_logged_once_for_each_good_request(start, place, monkeypatch) -> None:
    from mizzen_serving.rowencoding import RowEncoder

    encode = RowEncoder.encode

    def picky(self, rows):
        if any(row[0] == 3 for row in rows):
            raise ValueError("3")
        return encode(self, rows)

    monkeypatch.setattr(RowEncoder, "encode", picky)
    bodies = [json.dumps({**ROW, "distance": n}).encode() for n in range(10)]
    answers = start().each("POST", "/predict", bodies)
    made = {a.json()["prediction_id"] for a in answers if a.status_code == 200}
    assert {p.id for p in SegmentLog(place).read()} == made
    assert len(made) == 9


@given(st.sets(st.integers(0, 40)), st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_any_bad_rows_fail_exactly_their_requests(bad, sizes) -> None:
    numbers = iter(range(100))
    requests = [[(next(numbers),) for _ in range(size)] for size in sizes]

    def answer(rows):
        if any(row[0] in bad for row in rows):
            raise ValueError("bad row")
        return [row[0] for row in rows]

    async def submit():
        batcher = Batcher(answer, 99, True, lambda _rows: None)
        futures = [batcher.submit(rows) for rows in requests]
        found = await asyncio.gather(*futures, return_exceptions=True)
        batcher.close()
        return found

    for rows, outcome in zip(requests, asyncio.run(submit()), strict=True):
        if any(row[0] in bad for row in rows):
            assert isinstance(outcome, ValueError)
        else:
            assert outcome == [row[0] for row in rows]


def test_a_full_log_is_not_asked_once_for_each_request() -> None:
    calls = []

    def answer(rows):
        calls.append(len(rows))
        raise TemporaryError("full")

    async def submit():
        batcher = Batcher(answer, 99, True, lambda _rows: None)
        futures = [batcher.submit([(n,)]) for n in range(9)]
        found = await asyncio.gather(*futures, return_exceptions=True)
        batcher.close()
        return found

    assert {type(one) for one in asyncio.run(submit())} == {TemporaryError}
    assert calls == [9]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (TEXT.replace(b"2.5", b"1e999"), 422, "wind"),
        (TEXT.replace(b"2.5", b"NaN"), 400, "wind"),
        (TEXT.replace(b"2.5", b"-Infinity"), 400, "wind"),
        (TEXT.replace(b'"UA"', b'"\xff"'), 400, "carrier"),
        (TEXT.replace(b'"UA"', b'"\xed\xa0\x80"'), 400, "carrier"),
        (TEXT.replace(b'"UA"', b'"\\ud800"'), 400, "carrier"),
        (TEXT.replace(b'"UA"', b'"\\udc00\\ud800"'), 400, "carrier"),
        (TEXT.replace(b'"UA"', b"[" * 90_000), 422, "carrier"),
        (b"[" * 90_000, 422, "[0]"),
        (b'{"rows": [' + TEXT + b"," + TEXT.replace(b"2.5", b"Infinity") + b"]}", 400,
         "rows[1].wind"),
        (TEXT.replace(b'"wind"', b'"distance"'), 422, "distance"),
        (TEXT.replace(b'"wind"', b'"dist\\u0061nce"'), 422, "distance"),
        (b"[" + TEXT + b"," + TEXT[:-1] + b', "wind": 1}]', 422, "[1].wind"),
        (b'{"rows": [' + TEXT.replace(b'"wind": 2.5, ', b"") + b"," + TEXT[:-1]
         + b', "wind": 1}]}', 422, "rows[1].wind"),
        (b'{"rows": [' + TEXT + b'], "rows": [' + TEXT + b"]}", 422, "rows"),
        (b'{"rows": [' + TEXT + b'], "extra": 1}', 422, "extra"),
        (b"\xef\xbb\xbf" + TEXT, 400, None),
        (TEXT[:-3], 400, "carrier"),
    ],
    ids=lambda part: part[:30].decode("latin-1") if isinstance(part, bytes) else None,
)  # fmt: skip
def test_what_is_not_json_or_not_once_is_refused_with_its_field(start, body, status, field) -> None:
    answer = start()("POST", "/predict", content=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_rows_may_stand_anywhere_in_the_object(start) -> None:
    ask = start()
    for body in (
        b' \n{ "rows" : [' + TEXT + b"]}",
        b'{"r\\u006fws": [' + TEXT + b"]}",
        b'\r\n\t{"rows":[' + TEXT + b"]}\n",
    ):
        answer = ask("POST", "/predict", content=body)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["predictions"]) == 1


def test_equal_words_in_values_are_no_repeated_fields(start) -> None:
    ask = start()
    for carrier in ("distance", "rows", 'a "wind": b', "\\", 'é"carrier'):
        for body in ({**ROW, "carrier": carrier}, [{**ROW, "carrier": carrier, "wind": None}] * 3):
            assert ask("POST", "/predict", json=body).status_code == 200


@pytest.mark.parametrize("role", TYPES)
def test_a_role_is_one_of_texts_exactly_if_it_takes_nothing_else(role) -> None:
    """Repeated fields are found by counting the quotes that rows need."""
    taken = []
    for value in (b"1", b"1.5", b"true"):
        with contextlib.suppress(msgspec.ValidationError):
            taken.append(msgspec.json.decode(value, type=TYPES[role]))
    assert (role in TEXTS) is (taken == [])


@settings(deadline=None)
@given(st.data())
def test_a_repeated_field_is_always_found(tiny, data) -> None:
    """Over rows with and without optional fields, escapes and words that look like fields."""
    decoder = Decoder(contract_of(tiny()))
    rows, twice = [], False
    for _ in range(data.draw(st.integers(1, 4))):
        fields = [("distance", 1), ("carrier", data.draw(st.sampled_from(["UA", "wind", "\\"])))]
        for _ in range(data.draw(st.integers(0, 2))):
            fields.append(("wind", data.draw(st.sampled_from([None, 2]))))
        names = [name for name, _ in fields]
        twice = twice or len(set(names)) < len(names)
        members = (
            f"{json.dumps(n)}: {json.dumps(v)}" for n, v in data.draw(st.permutations(fields))
        )
        rows.append("{" + ", ".join(members) + "}")
    body = ("[" + ",".join(rows) + "]").encode()
    if not twice:
        decoder.decode(body)
        return
    with pytest.raises(RefusedRequest, match="given twice"):
        decoder.decode(body)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", lambda b: gzip.compress(b[:9]) + gzip.compress(b[9:])),
        ("deflate", zlib.compress),
        ("deflate", lambda b: zlib.compress(b, wbits=-15)),
        ("identity", lambda b: b),
    ],
)
def test_compressed_bodies_are_read(start, encoding, pack) -> None:
    sent = {"content-encoding": encoding}
    answer = start()("POST", "/predict", content=pack(TEXT), headers=sent)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(b" " * 50_000_000 + TEXT), 413),
        ("deflate", zlib.compress(b"\0" * 50_000_000), 413),
        ("gzip", gzip.compress(b"") * 20_000 + gzip.compress(TEXT), 200),
        ("gzip", TEXT, 400),
        ("gzip", gzip.compress(TEXT)[:-9], 400),
        ("deflate", b"\xff" * 99, 400),
        ("br", TEXT, 415),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), 415),
    ],
    ids=lambda part: f"{len(part)} bytes" if isinstance(part, bytes) else None,
)
def test_bombs_and_broken_encodings_are_refused(start, encoding, body, status) -> None:
    answer = start()("POST", "/predict", content=body, headers={"content-encoding": encoding})
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["allowed"] == "identity, gzip, deflate"


@pytest.mark.parametrize("given_id", ["a\nb", "a\n", "\x00", "a b", "é", "", "\x7f"])
def test_a_label_for_an_id_with_control_characters_is_refused(start, given_id) -> None:
    body = {"labels": [{"prediction_id": given_id, "value": 1}]}
    answer = start()("POST", "/labels", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "labels[0].prediction_id")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b'{"prediction_id": "a", "value": 1e999}', 422, "value"),
        (b'{"prediction_id": "a", "value": 1, "value": 0}', 422, "value"),
        (b'{"prediction_id": "a", "value": 1, "at": "0001-01-01T00:00:00+14:00"}', 422,
         "labels[0].value"),
        (b'{"prediction_id": "\\ud800", "value": 1}', 400, "prediction_id"),
        (b'{"labels": ' + b"[" * 90_000, 400, None),
        (b"{" + b" " * 99 + b'"labels": []}', 422, "labels"),
    ],
    ids=lambda part: part[:40].decode() if isinstance(part, bytes) else None,
)  # fmt: skip
def test_labels_are_checked_as_rows_are(start, body, status, field) -> None:
    answer = start()("POST", "/labels", content=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_a_client_that_breaks_off_is_counted_and_not_answered(start) -> None:
    app = start().app
    sent = []

    async def break_off():
        parts = [
            {"type": "http.request", "body": TEXT[:9], "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive():
            return parts.pop(0)

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
        await app(scope, receive, send)

    asyncio.run(break_off())
    assert sent == []


@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_have_a_place_or_none(body, offset) -> None:
    path_at(body, offset)


def test_a_repeated_field_of_a_row_is_found_by_its_row() -> None:
    assert first_repeated(b'[{"a": 1}, {"a": 1, "b": 2, "a": 3}]') == "[1].a"


ODD = ['size "in" `{cm}`', "back\\slash", "tab\there", "annual income.usd", "q[0]", "금액", "2nd"]


@pytest.mark.parametrize("name", ODD)
def test_a_field_of_any_name_is_read_and_its_refusals_name_it(tiny, name: str) -> None:
    columns = [{"name": name}, {"name": "plain"}]
    decoder = Decoder(contract_of(tiny(features={"columns": columns})))
    good = {name: 1.5, "plain": 2, "flight": "a"}
    for ascii_only in (True, False):
        for body in (good, [good], {"rows": [good]}):
            text = json.dumps(body, ensure_ascii=ascii_only).encode()
            assert decoder.decode(text).rows[0][:2] == (1.5, 2)
    wrong: dict[str, Any] = {
        "does not fit": {**good, name: "dear"},
        "is missing": {"plain": 2, "flight": "a"},
        "is not known": {**good, f"{name}!": 1},
    }
    for said, row in wrong.items():
        for body, path in ((row, ""), ({"rows": [good, row]}, "rows[1].")):
            with pytest.raises(RefusedRequest, match=said) as refused:
                decoder.decode(json.dumps(body).encode())
            field = f"{path}{name}" + ("!" if said == "is not known" else "")
            assert refused.value.field == field
            if said == "does not fit":
                assert refused.value.given == '"dear"'
                assert refused.value.allowed == ALLOWED["number"]
    with pytest.raises(RefusedRequest, match="given twice"):
        decoder.decode(b'{%s: 1, %s: 2, "plain": 3}' % ((json.dumps(name).encode(),) * 2))


@pytest.mark.parametrize("name", ODD)
def test_the_description_of_the_service_has_the_names_of_the_data(tiny, name: str) -> None:
    project = tiny(features={"columns": [{"name": name}, {"name": "plain"}]})
    row = document(project, 1, contract_of(project))["components"]["schemas"]["Row"]
    assert {name, "plain"} <= set(row["properties"])
    assert {name, "plain"} <= set(row["required"])


@pytest.mark.parametrize(
    ("source", "taken", "refused"),
    [
        ("text", ["7", "true", None], [7, 7.5, True]),
        ("other", ["2024-03-01", None], [7, False]),
        ("number", ["7", 7, 7.5, None], [True]),
        ("boolean", ["true", False, None], [1]),
        ("mixed", ["7", 7, True, None], []),
        ("declared instant", ["2024-03-01T09:00:00+09:00", None], [7, True, "2024-03-01", "7"]),
    ],
)
@pytest.mark.parametrize("name", ["flight", "ship"])
def test_a_key_or_entity_of_another_type_than_in_training_is_refused_by_name(
    tiny, source: str, taken: list[Any], refused: list[Any], name: str
) -> None:
    view: dict[str, Any] = {"name": "wind", "source": "v:wind", "entity": ["ship"], "ttl": "1d"}
    encoder = Encoder((), (), keys=((name, source),))
    view["columns"] = [{"name": "knots"}]
    project = tiny(features={"columns": [{"name": "distance"}], "views": [view]})
    decoder = Decoder(contract_of(project, encoder=encoder))
    row = {"distance": 1, "flight": "a", "ship": "b", name: taken[0]}
    for value in taken:
        decoder.decode(json.dumps({**row, name: value}).encode())
    for value in refused:
        with pytest.raises(RefusedRequest) as found:
            decoder.decode(json.dumps([row, {**row, name: value}]).encode())
        assert (found.value.status, found.value.field) == (422, f"[1].{name}")
        assert found.value.given == json.dumps(value)
        assert str(found.value.allowed).startswith(("text", "an instant"))
