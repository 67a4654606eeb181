"""What PostgreSQL adds: machines that share it, restarts, and an address without a secret."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from mizzen.adapters.feast import feast_encoding
from mizzen.adapters.feast.source import FeastSource
from mizzen.core.place import Place
from mizzen.errors import NotFound, TemporaryError, Unsupported, UserError

from .conftest import hour, times, view

Open = Callable[[Place], FeastSource]

pytestmark = pytest.mark.parametrize("kind", ["postgres"], indirect=True)


@pytest.fixture
def elsewhere(place: Place, tmp_path: Path) -> Place:
    """The same profile on another machine."""
    return replace(place, home=tmp_path / "elsewhere")


def test_what_one_machine_applied_another_materializes_joins_and_serves(
    source: FeastSource, elsewhere: Place, traffic: pd.DataFrame, open_source: Open
) -> None:
    source.apply([view()], {"traffic": traffic})
    other = open_source(elsewhere)
    assert other.materialize([view()], hour(2)) == 2
    rows = pd.DataFrame({"port": ["hamburg", "bremen"], "at": times(2, 2)})
    assert other.training_frame(rows, "at", [view()])["ships"].tolist() == [11, 20]
    asked = {"port": ["hamburg", "bremen"]}, [hour(2)] * 2
    assert source.online([view()], *asked) == other.online([view()], *asked)


def test_a_history_on_another_machine_alone_is_told(
    place: Place, elsewhere: Place, traffic: pd.DataFrame, open_source: Open
) -> None:
    alone = place.profile.model_copy(
        update={"feature_store": place.profile.feature_store.model_copy(update={"sources": None})}
    )
    open_source(replace(place, profile=alone)).apply([view()], {"traffic": traffic})
    for file in (place.home / "feast" / "sources").rglob("*.parquet"):
        file.unlink()  # as if this were another machine
    with pytest.raises(NotFound, match=r"feature_store\.sources"):
        open_source(replace(elsewhere, profile=alone)).materialize([view()], hour(2))


def test_one_query_answers_a_batch_of_several_views(
    source: FeastSource, traffic: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = view(name="weather", source="views:weather", columns=[{"name": "wind"}])
    winds = pd.DataFrame({"port": ["bremen"], "event_timestamp": times(1), "wind": [7.5]})
    views = [view(), other]
    source.apply(views, {"traffic": traffic, "weather": winds})
    source.materialize(views, hour(2))
    asked: list[Any] = []
    execute = psycopg.Connection.execute
    monkeypatch.setattr(
        psycopg.Connection,
        "execute",
        lambda self, *args, **kw: asked.append(args) or execute(self, *args, **kw),
    )
    found = source.online(views, {"port": ["bremen", "hamburg"] * 50}, [hour(2)] * 100)
    assert found["ships"] == [20, 11] * 50
    assert found["wind"] == [7.5, None] * 50
    assert len(asked) == 1


def test_feast_reads_what_was_written_and_the_other_way_round(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    from mizzen.adapters.feast.definitions import name_of

    source.apply([view()], {"traffic": traffic})
    source.materialize([view()], hour(2))
    store = source._repository.open()
    refs = [f"{name_of(view())}:{name}" for name in ("ships", "mood")]
    ports = [{"port": "hamburg"}, {"port": "bremen"}, {"port": "nowhere"}]
    found = store.get_online_features(features=refs, entity_rows=ports).to_dict()
    assert (found["ships"], found["mood"]) == ([11, 20, None], ["busy", None, None])


@pytest.mark.parametrize("value", [None, "", "Łódź" * 90, 0.0, -1.5, 1e300, 0, 7, -7, 2**62])
def test_values_are_feasts_own_bytes(kind: str, value: Any) -> None:
    from mizzen.adapters.feast.library import feast

    make = feast("feast.protos.feast.types.Value_pb2").Value
    names = {str: "string_val", float: "double_val", int: "int64_val"}
    proto = make() if value is None else make(**{names[type(value)]: value})
    assert feast_encoding.encode(value) == proto.SerializeToString()
    assert feast_encoding.decode(proto.SerializeToString()) == value


@pytest.mark.parametrize("names", [("port",), ("port", "day"), ("b", "a", "c")])
def test_keys_are_feasts_own_bytes(kind: str, names: tuple[str, ...]) -> None:
    from mizzen.adapters.feast.library import feast

    values = feast("feast.protos.feast.types.Value_pb2")
    keys = feast("feast.protos.feast.types.EntityKey_pb2")
    serialize = feast("feast.infra.key_encoding_utils").serialize_entity_key
    parts = [f"wert-{n}-ü" for n in range(len(names))]
    proto = keys.EntityKey(
        join_keys=names, entity_values=[values.Value(string_val=part) for part in parts]
    )
    assert feast_encoding.entity_key(names, parts) == serialize(
        proto, entity_key_serialization_version=3
    )


def test_the_service_reads_without_feast(
    source: FeastSource, place: Place, traffic: pd.DataFrame
) -> None:
    source.apply([view()], {"traffic": traffic})
    source.materialize([view()], hour(2))
    script = (
        "import os, sys; sys.modules['feast'] = None\n"
        "from datetime import datetime\n"
        "from mizzen.adapters.backends import load_backend\n"
        "from mizzen.core.place import Place\n"
        "from mizzen.core.views import VersionedView\n"
        "source = load_backend('feature_source', 'postgres')(Place.from_environment(os.environ))\n"
        "view = VersionedView.model_validate_json(sys.argv[1])\n"
        "at = [datetime.fromisoformat(sys.argv[2])]\n"
        "print(source.online([view], {'port': ['bremen']}, at))\n"
        "print(sorted({'pandas', 'pyarrow', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, view().model_dump_json(), hour(2).isoformat()],
        env={**os.environ, **place.to_environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["{'ships': [20.0], 'mood': [None]}", "[]"]


def test_a_restart_costs_no_request_and_an_absence_is_no_missing_value(
    own_postgres: Any,
    place: Place,
    traffic: pd.DataFrame,
    open_source: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in own_postgres.new_database().items():
        monkeypatch.setenv(name, value)
    source = open_source(place)
    source.apply([view()], {"traffic": traffic})
    source.materialize([view()], hour(2))
    asked = [view()], {"port": ["bremen"]}, [hour(2)]
    assert source.online(*asked)["ships"] == [20]
    own_postgres.stop()
    with pytest.raises(TemporaryError, match="does not answer"):
        source.online(*asked)
    own_postgres.start()
    assert source.online(*asked)["ships"] == [20]
    own_postgres.stop(signal.SIGINT)
    own_postgres.start()
    assert source.online(*asked)["ships"] == [20]


def test_a_server_that_says_nothing_is_not_waited_for(
    own_postgres: Any,
    place: Place,
    traffic: pd.DataFrame,
    open_source: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in own_postgres.new_database().items():
        monkeypatch.setenv(name, value)
    source = open_source(place)
    source.apply([view()], {"traffic": traffic})
    source.materialize([view()], hour(2))
    asked = [view()], {"port": ["bremen"]}, [hour(2)]
    source.online(*asked)
    own_postgres.pause()
    try:
        with pytest.raises(TemporaryError, match="does not answer"):
            source.online(*asked)
    finally:
        own_postgres.go_on()
    assert source.online(*asked)["ships"] == [20]


def test_a_wrong_password_and_a_missing_name_say_what_to_mend(
    place: Place, open_source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "not it")
    with pytest.raises(UserError, match="refuses this user") as refused:
        open_source(place).online([view()], {"port": ["bremen"]}, [hour(2)])
    assert "not it" not in str(refused.value)
    monkeypatch.delenv("PGDATABASE")
    with pytest.raises(UserError, match="PGDATABASE not set"):
        _ = open_source(place)._repository.config


def test_names_that_postgresql_would_cut_are_refused(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    long = view(name="t" * 40)
    with pytest.raises(Unsupported, match="42 characters for both together"):
        source.apply([long], {long.name: traffic})


def test_nothing_is_written_outside_of_the_schema(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    source.apply([view()], {"traffic": traffic})
    source.materialize([view()], hour(2))
    with psycopg.connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
        ).fetchall()
    assert found == [("mizzen_features",)]
