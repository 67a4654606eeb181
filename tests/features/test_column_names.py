"""Columns of a view may have any name but the one that says when values became known."""

from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError

from mizzen.adapters.feast.definitions import column_name
from mizzen.adapters.feast.source import FeastSource
from mizzen.spec.features import Features

from .conftest import hour, times, view

NAMES = [
    "mizzen_row",
    "mizzen_known_at",
    "event_ts",
    "created_ts",
    "a__b",
    "entity_key",
    "_x",
    "at",
]


def test_names_of_ours_and_of_feast_work_offline_and_online(source: FeastSource) -> None:
    own = view(entity=["mizzen_row", "port__x"], columns=[{"name": name} for name in NAMES[1:]])
    facts = pd.DataFrame({"mizzen_row": ["a", "b"], "port__x": ["p", "q"]})
    facts = facts.assign(event_timestamp=times(1, 1))
    facts = facts.assign(**{name: [float(n), -1.0] for n, name in enumerate(NAMES[1:])})
    source.apply([own], {"traffic": facts})
    rows = facts[["mizzen_row", "port__x"]].assign(event_timestamp=times(2, 2))
    found = source.training_frame(rows, "event_timestamp", [own])
    source.materialize([own], hour(2))
    entities = {"mizzen_row": ["a"], "port__x": ["p"]}
    online = source.online([own], entities, [hour(2)])
    for number, name in enumerate(NAMES[1:]):
        assert found[name].tolist() == [number, -1], name
        assert online[name] == [number], name


def test_no_two_columns_share_a_name_in_the_feature_store() -> None:
    names = [*NAMES, "port", "a b", "금액", "x" * 300, "mizzen_c_1", column_name("a b"), "A-b.c"]
    stored = [column_name(name) for name in names]
    assert len(set(stored)) == len(names)
    assert all(name.isascii() and name.isidentifier() and len(name) < 64 for name in stored)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"columns": [{"name": "event_timestamp"}]}, "'event_timestamp', which says when"),
        ({"entity": ["event_timestamp"]}, "'event_timestamp', which says when"),
        ({"entity": ["port"], "columns": [{"name": "port"}]}, "named twice.*port"),
        ({"entity": ["port", "port"]}, "named twice.*port"),
    ],
)
def test_names_that_mean_two_things_are_refused(fields: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        view(**fields)


def test_two_views_of_one_name_are_refused() -> None:
    one = view().model_dump(exclude={"version", "code", "files"})
    other = {**one, "columns": [{"name": "x"}]}
    with pytest.raises(ValidationError, match="views named twice: traffic"):
        Features.model_validate({"views": [one, other]})
