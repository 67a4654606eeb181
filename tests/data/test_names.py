"""One value has one name in every reader: files, frames, batch predictions, requests."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.tables import read_files, read_table, write_table
from mizzen.core.canonical import canonical_text
from mizzen.core.encoding import Encoder, fit_category
from mizzen.spec.data import Data, FileSource
from mizzen.spec.project import ProjectSpec
from mizzen.spec.reading import Reading
from mizzen_components.model_rows import encode
from mizzen_components.snapshot.read import columns_read, named_rows, source_types
from mizzen_serving.contract import contract_of
from mizzen_serving.decoding import Decoder
from mizzen_serving.rowencoding import RowEncoder
from mizzen_tests.soak import examples

DATA = Data.model_validate({"source": {"path": "x.csv"}, "key": ["id"]})
READING = Reading(names=("id", "c"))
LARGEST = 2**53 - 1

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    st.sampled_from(
        ["02116", "2116", "True", "true", "NA", "None", "nan", "1.10", "1E5", "7E2", " a", "a,b"]
    ),
    st.sampled_from(
        ['"', "'", "\n", "\r\n", "1,5", "9007199254740993", "null", "inf", "-0", "금액"]
    ),
)
typed: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "bool": st.booleans(),
    "float64": st.one_of(
        st.integers(-LARGEST, LARGEST).map(float),
        st.floats(-1e15, 1e15, allow_nan=False).filter(lambda x: abs(x) < 2**53),
    ),
    "float32": st.one_of(
        st.integers(-(2**24) + 1, 2**24 - 1).map(float), st.floats(-1e3, 1e3, width=32)
    ),
    "decimal": st.decimals(-(10**8), 10**8, places=4),
    "bytes": texts.map(str.encode),
    "date": st.dates(),
    "timestamp": st.datetimes().map(lambda t: t.replace(tzinfo=UTC)),
    "naive timestamp": st.datetimes(),
}
ARROW: dict[str, Any] = {
    "text": pa.string(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "bool": pa.bool_(),
    "float64": pa.float64(),
    "float32": pa.float32(),
    "decimal": pa.decimal128(20, 4),
    "bytes": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="Asia/Seoul"),
    "naive timestamp": pa.timestamp("us"),
}


def columns(kind: str) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.one_of(st.none(), typed[kind]), min_size=1, max_size=6).filter(
        lambda values: any(value is not None for value in values)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("names")


def names(frame: pd.DataFrame) -> list[str | None]:
    """What the snapshot step keeps, after the disk between two steps."""
    kept = columns_read(named_rows(frame, DATA), DATA, READING)
    return [None if name is None else str(name) for name in kept["c"].tolist()]


def read(folder: Path, name: str) -> pd.DataFrame:
    return read_files(folder, FileSource(path=name))


def from_csv(folder: Path, written: list[str | None], packed: bool = False) -> pd.DataFrame:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "c"], *([n, name or ""] for n, name in enumerate(written))])
    file = folder / ("x.csv.gz" if packed else "x.csv")
    content = text.getvalue().encode()
    file.write_bytes(gzip.compress(content) if packed else content)
    return read(folder, file.name)


def from_parquet(folder: Path, values: list[Any], kind: Any) -> pd.DataFrame:
    column = pa.array(values, kind)
    pq.write_table(pa.table({"id": range(len(values)), "c": column}), folder / "x.parquet")
    return read(folder, "x.parquet")


def from_frame(values: list[Any], **how: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": range(len(values)), "c": pd.Series(values, **how)})


@pytest.mark.soak
@settings(max_examples=examples(8, 320), deadline=None)
@pytest.mark.parametrize("kind", typed)
@given(data=st.data())
def test_a_value_has_one_name_in_every_reader(folder: Path, kind: str, data: st.DataObject) -> None:
    values = data.draw(columns(kind))
    width = np.float32 if kind == "float32" else (lambda value: value)
    expected = [None if v is None else canonical_text(width(v)) for v in values]
    frames = {
        "csv": from_csv(folder, expected),
        "csv.gz": from_csv(folder, expected, packed=True),
        "parquet": from_parquet(folder, values, ARROW[kind]),
        "dictionary": from_parquet(folder, pa.array(values, ARROW[kind]).dictionary_encode(), None),
        "arrow": from_frame(values, dtype=pd.ArrowDtype(ARROW[kind])),
        "object": from_frame([None if v is None else width(v) for v in values], dtype=object),
    }
    if kind != "float32":  # pandas' categories of objects know no width
        frames["categorical"] = frames["object"].assign(c=frames["object"]["c"].astype("category"))
    assert {reader: names(frame) for reader, frame in frames.items()} == dict.fromkeys(
        frames, expected
    )


@pytest.mark.soak
@settings(max_examples=examples(8, 320), deadline=None)
@pytest.mark.parametrize("kind", ["text", "int64", "bool", "float64"])
@given(data=st.data())
def test_a_request_gets_the_code_that_training_gave_the_value(
    folder: Path, kind: str, data: st.DataObject
) -> None:
    values = data.draw(columns(kind))
    frame = named_rows(from_parquet(folder, values, ARROW[kind]), DATA)
    source = source_types(frame, READING)["c"]
    write_table(columns_read(frame, DATA, READING), folder / "rows", types={"c": source})
    stored = read_table(folder / "rows")
    encoder = Encoder((), (fit_category("c", stored["c"].to_numpy(), source),), ())
    batch = encode(encoder, stored).codes[:, 0].tolist()
    decoder, served = Decoder(contract_of(project(), encoder=encoder)), RowEncoder(encoder, ["c"])
    for value, code in zip(values, batch, strict=True):
        for sent in (value, canonical_text(value)):
            body = json.dumps({"c": sent}).encode()
            rows = [row[:1] for row in decoder.decode(body).rows]
            assert served.encode(rows).codes[0, 0] == code


def project(**changes: Any) -> ProjectSpec:
    document: dict[str, Any] = {
        "apiVersion": "mizzen.dev/v1",
        "kind": "Project",
        "name": "names",
        "task": "binary",
        "data": {"source": {"path": "x.csv"}, "key": ["id"]},
        "features": {"columns": [{"name": "c", "kind": "category"}]},
        "label": {"column": "y"},
        "split": {"by": "key", "test": 0.2},
        "trainer": {"kind": "lightgbm"},
        "evaluation": {"metrics": ["roc_auc"]},
    }
    return ProjectSpec.model_validate(document | changes)
