"""What a user is told when mizzen.yaml is wrong: file, line, field, given, allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mizzen.errors import InvalidProject
from mizzen.spec import load_profile, load_project

Write = Callable[[str], Path]


def fault(write: Write, text: str, **overrides: object) -> str:
    with pytest.raises(InvalidProject) as caught:
        load_project(write(text), overrides)
    return str(caught.value)


def test_a_right_description_is_read(write_project: Write, project_text: str) -> None:
    spec = load_project(write_project(project_text))
    assert spec.name == "sales"
    assert [column.name for column in spec.features.inputs] == ["amount", "country"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: lightgbm", "knd: lightgbm", "mizzen.yaml:22: trainer.knd: unknown field; did you"),
        ("kind: lightgbm", "knd: lightgbm", "trainer.kind: the field is required"),
        ("task: binary", "task: binery", "mizzen.yaml:4: task: unknown value; did you mean 'bin"),
        ("task: binary", "task: binery", "allowed: binary, multiclass, regression"),
        ("  test: 30d", "  test: 30 days", "mizzen.yaml:20: split.test: "),
        ("  test: 30d", "  test: 30 days", "given: '30 days'; allowed: a whole number with a unit"),
        ("    path: data/*.csv", "    pth: x.csv", "data.source.pth: unknown field; did you mean"),
        ("    - name: amount", "    - nam: amount", "mizzen.yaml:12: features.columns.0.nam: unk"),
        ("column: bought", "column: amount", "features contain the label 'amount'"),
        ("  delay: 7d", "  delay: 7d\n  time: seen", "give `time` or `delay`, not both"),
        ("  event_time: at\n", "", "`split.by: time` needs `data.event_time`"),
        ("  by: time", "  by: tim", "split"),
        ("apiVersion: mizzen.dev/v1", "apiVersion: mizzen.dev/v9", "mizzen.yaml:1: apiVersion"),
    ],
)
def test_a_fault_names_line_field_given_and_allowed(
    write_project: Write, project_text: str, old: str, new: str, said: str
) -> None:
    assert old in project_text
    assert said in fault(write_project, project_text.replace(old, new))


def test_every_fault_is_told_at_once_and_in_order(write_project: Write, project_text: str) -> None:
    text = project_text.replace("binary", "ternary").replace("30d", "soon")
    told = fault(write_project, text)
    assert "2 faults" in told
    assert told.index("mizzen.yaml:4:") < told.index("mizzen.yaml:20:")


def test_a_misspelt_source_is_told_once(write_project: Write, project_text: str) -> None:
    told = fault(write_project, project_text.replace("    path: data/*.csv", "    python: nope"))
    assert "PythonSource" not in told
    assert told.count("mizzen.yaml:") == 1
    assert "data.source.python" in told
    assert "module:function" in told


def test_a_key_given_twice_is_refused(write_project: Write, project_text: str) -> None:
    told = fault(write_project, project_text + "task: regression\n")
    assert "mizzen.yaml:25: task: the key is given twice" in told
    assert "first on line 4" in told


def test_a_nested_key_given_twice_is_refused(write_project: Write, project_text: str) -> None:
    told = fault(write_project, project_text.replace("  key: [id]", "  key: [id]\n  key: [a]"))
    assert "key: the key is given twice" in told


def test_anchors_and_merges_are_fine(write_project: Write, project_text: str) -> None:
    text = project_text.replace(
        "trainer:\n  kind: lightgbm",
        "trainer: {kind: lightgbm, parameters: {small: &a {x: 1, y: 2}, big: {<<: *a, y: 3}}}",
    )
    spec = load_project(write_project(text))
    assert spec.trainer.parameters["big"] == {"x": 1, "y": 3}


def test_a_deeply_shared_anchor_costs_no_time(write_project: Write) -> None:
    lines = ["a0: &a0 [x, x]"] + [
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)
    ]
    assert "a0: unknown field" in fault(write_project, "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mizzen.yaml is empty"),
        ("# only a comment\n", "mizzen.yaml is empty"),
        ("- a\n- b\n", "mizzen.yaml:1: the file holds no mapping"),
        ("name: [unclosed\n", "mizzen.yaml:2:1: not YAML"),
        ("name: !!python/object/apply:os.system [x]\n", "not YAML: could not determine"),
        ("a: 1\n---\nb: 2\n", "not YAML"),
        ("[a, b]: c\n", "not YAML"),
    ],
)
def test_what_is_no_description_is_told(write_project: Write, text: str, said: str) -> None:
    assert said in fault(write_project, text)


def test_bytes_that_are_not_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "mizzen.yaml").write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(InvalidProject, match="not YAML"):
        load_project(tmp_path)


def test_a_folder_without_a_description_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match="mizzen init"):
        load_project(tmp_path)


def test_scientific_notation_is_a_number_and_a_date_is_text(
    write_project: Write, project_text: str
) -> None:
    parameters = "  kind: lightgbm\n  parameters: {learning_rate: 1e-3, since: 2013-01-01}"
    spec = load_project(write_project(project_text.replace("  kind: lightgbm", parameters)))
    assert spec.trainer.parameters == {"learning_rate": 0.001, "since": "2013-01-01"}


def test_an_override_changes_a_field(write_project: Write, project_text: str) -> None:
    folder = write_project(project_text)
    spec = load_project(folder, {"gate.no_harm.min_rows": 7, "trainer.parameters.depth": 3})
    assert spec.gate.no_harm.min_rows == 7
    assert spec.trainer.parameters == {"depth": 3}


def test_a_wrong_override_is_told_as_one(write_project: Write, project_text: str) -> None:
    told = fault(write_project, project_text, **{"gate.margn": 0.1})
    assert "--set: gate.margn: unknown field; did you mean 'margin'?" in told
    assert "cannot set 'evaluation.metrics.0'" in fault(
        write_project, project_text, **{"evaluation.metrics.0": "f1"}
    )


def test_a_profile_is_needed_only_when_it_is_not_local(tmp_path: Path) -> None:
    assert load_profile(tmp_path).home == ".mizzen"
    with pytest.raises(InvalidProject, match="no profile 'cluster'"):
        load_profile(tmp_path, "cluster")


def test_a_profile_is_read_and_checked(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    file = tmp_path / "profiles" / "big.yaml"
    file.write_text("apiVersion: mizzen.dev/v1\nkind: Profile\nparallel: 8\n")
    assert load_profile(tmp_path, "big").parallel == 8
    file.write_text("apiVersion: mizzen.dev/v1\nkind: Profile\nparalel: 8\n")
    with pytest.raises(InvalidProject, match=r"big\.yaml:3: paralel: .*did you mean 'parallel'"):
        load_profile(tmp_path, "big")


def test_a_profile_outside_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "x.yaml").write_text("apiVersion: mizzen.dev/v1\nkind: Profile\n")
    with pytest.raises(InvalidProject, match="no profile"):
        load_profile(tmp_path, "../x")


@pytest.mark.parametrize(
    ("window", "delay", "fine"),
    [
        ("30d", None, False),
        ("29d", None, False),
        ("31d", None, True),
        ("31d", "1d", False),
        ("721h", None, True),
        ("40d", "9d", True),
        ("40d", "10d", False),
    ],
)
def test_a_retraining_window_that_the_test_side_takes_whole_is_refused(
    write_project: Write, project_text: str, window: str, delay: str | None, fine: bool
) -> None:
    folder = write_project(project_text)
    changes = {
        "retraining.window": window,
        "split": {"by": "time", "test": "30d"},
        "label.time": None,
        "label.delay": delay,
    }
    if fine:
        assert load_project(folder, changes).retraining.window == window
        return
    with pytest.raises(InvalidProject, match=r"retraining.window.*leaves no row.*split.test"):
        load_project(folder, changes)
    by_key = {**changes, "split": {"by": "key", "test": 0.2}}
    assert load_project(folder, by_key).retraining.window == window
