"""Projects whose data was misread, dropped or refused for a wrong reason: what is said of each."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from mizzen.adapters.tables import read_files, read_table
from mizzen.control.check.data import check_data
from mizzen.control.workspace import open_workspace
from mizzen.core.encoding import Encoder, fit_category
from mizzen.core.place import Place
from mizzen.errors import InvalidData, MizzenError
from mizzen.spec.data import Data, FileSource
from mizzen.spec.reading import Reading, reading_of
from mizzen_components import preprocess, snapshot
from mizzen_components.model_rows import encode, unknown_categories
from mizzen_components.snapshot import checked_rows
from mizzen_components.snapshot.read import columns_read, named_rows
from mizzen_components.snapshot.window import Window
from mizzen_pipelines.sections import section
from mizzen_serving.contract import contract_of
from mizzen_serving.decoding import Decoder

LANDS = np.array(["NA", "SE"])
CASES = Path(__file__).parent / "cases"
TAKEN = (
    "bool-with-null",
    "csv-categories-retyped",
    "label-None-dropped",
    "monthly-files",
    "one-row-flips-type",
    "parquet-decimal",
    "parquet-types",
)
REFUSED = {
    "extra-field-shifts-columns": "x.csv, line 2 (row 1): 5 fields, but the header has 4",
    "inf-check-passes": "'inf' (str) in row 51 (id=1050)",
    "label-decimal-comma": "'1,713' (str) in row 1 (id=1000)",
    "trailing-comma": "x.csv, line 2 (row 1): 5 fields, but the header has 4",
}


@pytest.fixture
def copy(tmp_path: Path) -> Any:
    """A copy of a case, `old` replaced by `new` in its description."""

    def make(case: str, old: str = "", new: str = "") -> Path:
        folder = tmp_path / case
        shutil.copytree(CASES / case, folder)
        if case == "one-row-flips-type":
            (folder / "data").mkdir()
            shutil.copy(folder / "run1.csv", folder / "data" / "x.csv")
        file = folder / "mizzen.yaml"
        file.write_text(file.read_text().replace(old, new))
        return folder

    return make


def checked(folder: Path) -> str:
    """What `mizzen check --data` refuses; empty where it refuses nothing."""
    found = check_data(open_workspace(folder))
    return "".join(finding.message for finding in found if finding.level == "error")


class Steps:
    """The first steps of a run, in this process."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spec, self.out = open_workspace(folder).spec, folder / "out"
        place = Place(self.spec.name, folder / ".mizzen", open_workspace(folder).place.profile)
        for name, value in place.to_environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("MIZZEN_PROJECT_DIR", str(folder))

    def run(self) -> None:
        spec = self.spec
        data, label = section(spec.data), section(spec.label)
        snapshot.run(
            code="",
            data=data,
            label=label,
            reading=section(reading_of(spec)),
            source_digest="",
            start="",
            end="",
            tables=self.out,
        )
        preprocess.run(
            frame=self.out / "rows.parquet",
            task=spec.task,
            data=data,
            features=section(spec.features),
            label=label,
            split=section(spec.split),
            end="",
            train=self.out / "train",
            test=self.out / "test",
            encoder=self.out / "encoder.json",
        )

    @property
    def rows(self) -> pd.DataFrame:
        return read_table(self.out / "rows.parquet")

    @property
    def encoder(self) -> Encoder:
        return Encoder.from_json((self.out / "encoder.json").read_text())


def known(steps: Steps) -> dict[str, set[str]]:
    return {column.name: set(column.categories) for column in steps.encoder.categories}


@pytest.mark.parametrize("case", [*TAKEN, *REFUSED])
def test_check_refuses_what_the_steps_refuse_and_in_their_words(
    copy: Any, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(case)
    said = ""
    try:
        Steps(folder, monkeypatch).run()
    except MizzenError as error:
        said = f"{error.message}; given: {error.given}"
    found = checked(folder)
    assert found.startswith(said)
    assert REFUSED.get(case, "") in found
    assert bool(found) == (case in REFUSED)


@pytest.mark.parametrize(
    ("case", "old", "new"),
    [
        ("label-decimal-comma", "key: [id]", 'key: [id]\n  columns: [{name: y, decimal: ","}]'),
        ("inf-check-passes", "key: [id]", "key: [id]\n  nulls: [inf, -inf]"),
        ("parquet-decimal", "{name: v, kind: number}", "{name: v, kind: category}"),
        ("bool-with-null", "{name: x}", "{name: x, kind: category}"),
    ],
)
def test_what_the_description_says_of_a_column_is_how_it_is_read(
    copy: Any, case: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(case, old, new)
    assert checked(folder) == ""
    Steps(folder, monkeypatch).run()


def test_categories_of_a_csv_are_the_texts_that_stand_there(
    copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(copy("csv-categories-retyped"), monkeypatch)
    steps.run()
    file = pd.read_csv(
        CASES / "csv-categories-retyped" / "data" / "x.csv", dtype=str, keep_default_na=False
    )
    for name, names in known(steps).items():
        assert names <= set(file[name]) - {""}
    assert "NA" in known(steps)["country"]
    assert {"1.1", "1.10"} <= known(steps)["ver"]


def test_a_class_called_none_is_a_class(copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy("label-None-dropped")
    steps = Steps(folder, monkeypatch)
    steps.run()
    assert steps.encoder.classes == ("High", "Low", "None")
    assert steps.rows["y"].notna().all()
    found = check_data(open_workspace(folder))
    (said,) = [each.message for each in found if each.subject == "label"]
    counts = steps.rows["y"].value_counts()
    shown = ", ".join(f"{name!r} ({counts[name]})" for name in ("High", "Low", "None"))
    assert said == f"classes {shown}"
    assert counts.sum() == 300


def test_one_more_row_changes_no_name(copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy("one-row-flips-type")
    steps = Steps(folder, monkeypatch)
    steps.run()
    before = known(steps)["zip"]
    shutil.copy(folder / "run2.csv", folder / "data" / "x.csv")
    steps.run()
    assert before <= known(steps)["zip"]
    assert "02116" in before


def test_typed_values_have_the_names_of_the_reference(
    copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(copy("parquet-types"), monkeypatch)
    steps.run()
    names = known(steps)
    assert names["nullbool_c"] == {"false", "true"}
    assert names["bytes_c"] == {"a", "b"}
    assert {"9007199254740993", "9007199254740995"} <= names["bigid_c"]
    assert {"2024-01-02T09:00:00Z"} <= names["ts_c"]
    assert {"0.1", "0.2"} == names["f32_c"]
    assert names["dec_c"] == {"1.1", "2"}
    assert {"nan", "None", "서울"} <= names["uni_c"]
    assert {column.name: column.source for column in steps.encoder.categories}["bool_c"] == (
        "boolean"
    )


@pytest.mark.parametrize(
    ("case", "source"), [("csv-categories-retyped", "text"), ("parquet-types", "number")]
)
def test_the_model_knows_what_its_keys_were_read_from(
    copy: Any, case: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(copy(case), monkeypatch)
    steps.run()
    assert steps.encoder.keys == (("id", source),)


def test_a_batch_row_names_its_categories_that_training_never_saw() -> None:
    encoder = Encoder((), (fit_category("zip", np.array(["02116"])), fit_category("land", LANDS)))
    rows = pd.DataFrame(
        {"zip": ["02116", "2116", None, "2116"], "land": ["NA", "NA", None, "na"]}, dtype=object
    )
    unknown = unknown_categories(encoder, rows, encode(encoder, rows))
    assert unknown.tolist() == [None, "zip", None, "zip, land"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,x,c,y\n", "x.csv has a header and no rows"),
        ("id,x,c,y\n1,2.0,a,0\n", "one value only"),
        ("id,x,c,y\n1,2.0,a\n2,1.0,a,1\n", "line 2 (row 1): 3 fields, but the header has 4"),
        ('id,x,c,y\n1,2.0,"a,0\n2,1.0,a,1\n', "not CSV"),
        ("id,x,c,y\n1,2.0,a,0\n1,1.0,a,1\n", "share a key"),
        ("id,x,c,y\n1,1_000,a,0\n2,1.0,a,1\n", "'1_000' (str) in row 1"),
        ("id,x,c,y\n1,NA,a,0\n2,1.0,a,1\n", "'NA' (str) in row 1"),
    ],
)
def test_a_broken_file_has_one_true_error(copy: Any, text: str, said: str) -> None:
    folder = copy("bool-with-null")
    (folder / "data" / "x.csv").write_text(text)
    assert said in checked(folder)


@pytest.mark.parametrize(
    ("classes", "positive", "found"),
    [
        (("no", "yes"), "", "nothing says which of two classes is the positive one"),
        (("no", "yes"), "no", ("yes", "no")),
        (("False", "True"), "", ("False", "True")),
        (("0.0", "1.0"), "", ("0.0", "1.0")),
        (("0", "1"), "0", ("1", "0")),
        (("0", "1"), "2", "label.positive names '2', which is no class"),
    ],
)
def test_the_positive_class_is_the_one_that_the_project_names(
    copy: Any,
    classes: tuple[str, str],
    positive: str,
    found: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = f", positive: {json.dumps(positive)}" if positive else ""
    folder = copy("bool-with-null", "{column: y}", f"{{column: y{named}}}")
    file = folder / "data" / "x.csv"
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    rows.assign(y=[classes[int(y)] for y in rows["y"]]).to_csv(file, index=False)
    if isinstance(found, str):
        assert found in checked(folder)
        return
    told = [f.message for f in check_data(open_workspace(folder)) if f.subject == "label"]
    assert f"positive: {found[1]!r}" in told[0]
    steps = Steps(folder, monkeypatch)
    steps.run()
    assert steps.encoder.classes == found


def test_files_of_different_types_are_one_column_of_the_type_that_the_description_says(
    copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy("bool-with-null", "data/*.csv", "data/*.pq")
    described = (folder / "mizzen.yaml").read_text()
    (folder / "mizzen.yaml").write_text(
        described.replace("key: [id]", "key: [id]\n  columns: [{name: note, kind: text}]").replace(
            "{name: x}", "{name: x}\n    - {name: n}"
        )
    )
    types: dict[str, dict[str, Any]] = {
        "a": {"id": range(60), "c": [1, 2116] * 30, "n": range(60), "note": [5] * 60},
        "b": {
            "id": [f"{n}" for n in range(60, 120)],
            "c": ["02116", "1"] * 30,
            "n": [f"{n / 2}" for n in range(60)],
            "note": ["a"] * 60,
        },
        "d": {"id": np.arange(120.0, 180.0), "c": [True, None] * 30, "n": [0.5] * 60, "note": 1.5},
    }
    for name, columns in types.items():
        rows = pd.DataFrame({**columns, "x": [True, None, False] * 20, "y": [0, 1] * 30})
        rows.to_parquet(folder / "data" / f"{name}.pq")
    assert checked(folder) == ""
    warned = [f for f in check_data(open_workspace(folder)) if f.level == "warning"]
    said = {f.message.partition(" holds")[0] for f in warned if "several types" in f.message}
    assert said == {"column 'c'", "column 'id'"}
    steps = Steps(folder, monkeypatch)
    steps.run()
    assert set(steps.rows["id"]) == {str(n) for n in range(180)}
    assert known(steps)["c"] == {"1", "2116", "02116", "true"}
    assert steps.rows["n"].dtype == np.float64
    assert set(steps.rows["note"]) == {"5", "a", "1.5"}
    assert {c.name: c.source for c in steps.encoder.categories} == {"c": "mixed"}


def test_check_refuses_a_column_of_several_types_as_the_step_does_and_says_what_helps(
    copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy("bool-with-null", "data/*.csv", "data/*.parquet")
    for name, note in (("a", [1, 2]), ("b", ["a", "b"])):
        rows = pd.DataFrame({"x": [0.5, 1.5], "c": "k", "y": [0, 1], "note": note})
        rows.assign(id=[f"{name}{n}" for n in range(2)]).to_parquet(
            folder / "data" / f"{name}.parquet"
        )
    with pytest.raises(MizzenError, match=r"'note' of table 'rows'(.|\n)*kind: text") as error:
        Steps(folder, monkeypatch).run()
    assert checked(folder).startswith(f"{error.value.message}; given: {error.value.given}")


def test_all_columns_that_do_not_fit_are_told_at_once(
    copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy("bool-with-null", "{name: x}", "{name: x}\n    - {name: v}\n    - {name: w}")
    lines = [f"{n},{n},k,{n % 2},1,2" for n in range(40)]
    lines[7], lines[9] = "7,abc,k,1,1,x y", "9,2,k,1,NA,2"
    (folder / "data" / "x.csv").write_text("\n".join(["id,x,c,y,v,w", *lines]))
    found = checked(folder)
    for said in ("'abc' (str) in row 8 (id=7)", "'NA' (str) in row 10 (id=9)", "'x y' (str)"):
        assert said in found
    with pytest.raises(MizzenError, match="3 columns do not fit the description"):
        Steps(folder, monkeypatch).run()


@pytest.mark.parametrize("wrong", ["yesterday", ""])
def test_an_instant_that_does_not_fit_hides_no_number_and_no_other_column(
    copy: Any, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    folder = copy("bool-with-null", "key: [id]", "key: [id]\n  event_time: at")
    lines = [f"{n},0.5,k,{n % 2},2024-03-01T00:00Z" for n in range(40)]
    lines[7], lines[9] = "7,abc,k,1,2024-03-01T00:00Z", f"9,2,k,1,{wrong}"
    (folder / "data" / "x.csv").write_text("\n".join(["id,x,c,y,at", *lines]))
    found = checked(folder)
    assert found.index("'abc' (str) in row 8 (id=7)") < found.index("column 'at'")
    assert "row 10" in found
    with pytest.raises(MizzenError, match="2 columns do not fit the description"):
        Steps(folder, monkeypatch).run()


def test_where_the_window_is_not_known_only_its_column_is_told(copy: Any) -> None:
    folder = copy("bool-with-null", "key: [id]", "key: [id]\n  event_time: at")
    rows = pd.DataFrame({"id": ["1", "2"], "x": ["a", "1"], "c": "k", "y": ["0", "1"], "at": "no"})
    spec = open_workspace(folder).spec
    window = Window.of("2024-01-01T00:00Z", "")
    with pytest.raises(MizzenError, match="column 'at' does not hold instants") as error:
        checked_rows(rows, spec.data, spec.label, reading_of(spec), window, datetime.now(UTC))
    assert "'x'" not in str(error.value)


def test_a_category_and_a_key_that_are_declared_numbers_are_numbers_everywhere(
    copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = "key: [id]\n  columns: [{name: id, kind: number}, {name: c, kind: number}]"
    folder = copy("bool-with-null", "key: [id]", declared)
    lines = [f"0{n},0.5,{['02116', '2116.0', '7'][n % 3]},{n % 2}" for n in range(60)]
    (folder / "data" / "x.csv").write_text("\n".join(["id,x,c,y", *lines]))
    assert checked(folder) == ""
    steps = Steps(folder, monkeypatch)
    steps.run()
    assert set(steps.rows["id"]) == {str(n) for n in range(60)}
    assert known(steps)["c"] == {"2116", "7"}

    decode = Decoder(contract_of(steps.spec, None, steps.encoder)).decode
    for sent in ('"2116"', "2116", "2116.0"):
        (row,) = decode(f'{{"x":1,"c":{sent},"id":{sent}}}'.encode()).rows
        frame = pd.DataFrame({"x": [1.0], "c": [row[1]]})
        assert not unknown_categories(steps.encoder, frame, encode(steps.encoder, frame)).any()
    for name, sent in (("c", '"02116"'), ("id", '"2116.0"'), ("c", '"1e3"'), ("id", "true")):
        body = {"x": "1", "c": "7", "id": "7"} | {name: sent}
        with pytest.raises(InvalidData, match=name) as refused:
            decode(("{" + ",".join(f'"{n}":{v}' for n, v in body.items()) + "}").encode())
        assert "its digits as text" in str(refused.value.allowed)


def test_a_category_and_a_key_that_are_declared_instants_are_the_same_in_any_zone(
    copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = "key: [id]\n  columns: [{name: id, kind: instant}, {name: c, kind: instant}]"
    folder = copy("bool-with-null", "key: [id]", declared)
    noon = ["2024-03-01T12:00:00Z", "2024-03-01T21:00:00+09:00"]
    times = [*noon, "2024-03-02T00:00:00.5Z"]
    lines = [f"2024-01-01T00:{n:02d}:00+09:00,0.5,{times[n % 3]},{n % 2}" for n in range(60)]
    (folder / "data" / "x.csv").write_text("\n".join(["id,x,c,y", *lines]))
    assert checked(folder) == ""
    steps = Steps(folder, monkeypatch)
    steps.run()
    assert known(steps)["c"] == {"2024-03-01T12:00:00Z", "2024-03-02T00:00:00.500000Z"}

    decode = Decoder(contract_of(steps.spec, None, steps.encoder)).decode
    for sent in (*noon, "2024-03-01T12:00:00.000Z", "2024-03-01T07:00:00-05:00"):
        (row,) = decode(f'{{"x":1,"c":"{sent}","id":"{sent}"}}'.encode()).rows
        assert [value for value in row if isinstance(value, str)] == [noon[0]] * 2
        frame = pd.DataFrame({"x": [1.0], "c": [row[1]]})
        assert not unknown_categories(steps.encoder, frame, encode(steps.encoder, frame)).any()
    for name, sent in (("c", '"2024-03-01"'), ("id", '"2024-03-01T12:00:00"'), ("c", "7")):
        body = {"x": "1", "c": f'"{noon[0]}"', "id": f'"{noon[0]}"'} | {name: sent}
        with pytest.raises(InvalidData, match=name) as refused:
            decode(("{" + ",".join(f'"{n}":{v}' for n, v in body.items()) + "}").encode())
        assert "instant with zone" in str(refused.value.allowed)


def test_the_page_about_own_projects_shows_a_description_that_reads_values_as_it_says(
    tmp_path: Path,
) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "own-project.md"
    shown = page.read_text(encoding="utf-8").split("```yaml\ndata:\n")[1].split("```")[0]
    described = {"source": {"path": "x.csv"}, "key": ["id"], **yaml.safe_load(shown)}
    data = Data.model_validate(described)
    lines = ['id;price;"Area (sq. ft.)";note;zip', '1;"1.713,50";-;7;02116', "2;NA;5;;NA"]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    rows = read_files(tmp_path, FileSource(path="x.csv", delimiter=";"))
    reading = Reading(numbers=("price", "area"), names=("id", "zip"))
    read = columns_read(named_rows(rows, data), data, reading)
    assert read["price"].tolist()[0] == 1713.5
    assert read[["price", "area", "note", "zip"]].isna().to_numpy().tolist() == [
        [False, True, False, False],
        [True, False, True, True],
    ]
    assert read["zip"].tolist()[0] == "02116"
