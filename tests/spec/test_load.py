"""What a user is told when mizzen.yaml is wrong: file, line, field, given, allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mizzen.errors import InvalidProject
from mizzen.spec import load_profile, load_project
from mizzen.spec.demo import DemoScript
from mizzen.spec.load import load_model
from mizzen.spec.text import scalar

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


def test_an_alias_that_stands_for_billions_of_values_is_refused_before_anything_is_built(
    write_project: Write,
) -> None:
    lines = ["a0: &a0 [x, x]"] + [
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)
    ]
    told = fault(write_project, "\n".join(lines) + "\n")
    assert "mizzen.yaml:5: a4.7: a description holds at most 20,000 values" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "[" * 41 + "]" * 41, "at most 40 levels"),
        ("a: " + "[" * 100_000, "at most 40 levels"),
        ("a: " + "{b: " * 100_000, "at most 40 levels"),
        (
            "a: &a0 [1]\n" + "".join(f"b{i}: &a{i + 1} [*a{i}]\n" for i in range(60)),
            "at most 40 levels",
        ),
        ("a: [" + "1, " * 20_001 + "]", "at most 20,000 values"),
        ("{a: &a {b: *a}}", "mizzen.yaml:1: a.b: *a stands for nothing that is whole"),
        ("a: [1, [2, *b]]", "mizzen.yaml:1: a.1.1: *b stands for nothing"),
        ("a: " + "9" * 5000, "mizzen.yaml:1: a: 9999"),
        ("a: 0x" + "f" * 5000, "a number of this length"),
        ("a: 1e999", "1e999 is no finite number"),
        ("a: -.inf", "-.inf is no finite number"),
        ("a: [.NaN]", "a.0: .NaN is no finite number"),
        ("a: " + "x" * (1 << 20), "is too large for a description"),
        ("a: !!binary aGVsbG8=", "tag:yaml.org,2002:binary is not allowed"),
        ("a: !!set {b}", "a: the tag tag:yaml.org,2002:set is not allowed"),
    ],
)
def test_what_a_description_holds_is_bounded(write_project: Write, text: str, said: str) -> None:
    assert said in fault(write_project, text)


def test_profiles_demos_and_single_values_have_the_same_bounds(tmp_path: Path) -> None:
    bomb = "a: &a0 [1]\n"
    bomb += "".join(f"b{i}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(30))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "local.yaml").write_text(bomb)
    (tmp_path / "demo.yaml").write_text(bomb)
    with pytest.raises(InvalidProject, match=r"local.yaml:13: b11.1: a description holds at most"):
        load_profile(tmp_path)
    with pytest.raises(InvalidProject, match=r"demo.yaml:13: b11.1: a description holds at most"):
        load_model(tmp_path / "demo.yaml", DemoScript, "write one")
    with pytest.raises(InvalidProject, match=r"a description holds at most 40 levels"):
        scalar("[" * 50)
    with pytest.raises(InvalidProject, match=r"NO is a boolean"):
        scalar("[SE, NO]")


def test_thousands_of_faults_are_told_in_few_lines(write_project: Write, project_text: str) -> None:
    told = fault(write_project, project_text + "".join(f"x{i}: 1\n" for i in range(9000)))
    assert "has 9000 faults" in told
    assert "and 8950 more" in told
    assert len(told.splitlines()) < 60


@pytest.mark.parametrize("word", ["yes", "No", "on", "OFF", "NO"])
def test_a_word_that_one_yaml_reads_as_a_boolean_is_told_to_be_quoted(
    write_project: Write, project_text: str, word: str
) -> None:
    told = fault(write_project, project_text.replace("name: sales", f"name: {word}"))
    assert f"mizzen.yaml:3: name: {word} is a boolean in one version of YAML" in told
    assert f'"{word}" in quotes' in told
    listed = project_text + f"description: [SE, {word}]\n"
    assert f"description.1: {word} is a boolean" in fault(write_project, listed)
    assert f"{word} is a boolean" in fault(write_project, project_text + f"{word}: 1\n")


@pytest.mark.parametrize("word", ["010", "02116", "-07", "1:30", "12:30:45", "1_000"])
def test_a_number_that_versions_of_yaml_read_differently_is_told_to_be_quoted(
    write_project: Write, project_text: str, word: str
) -> None:
    text = project_text.replace("metrics: [roc_auc]", f"metrics: [{word}]")
    told = fault(write_project, text)
    assert f"mizzen.yaml:24: evaluation.metrics.0: {word} is a number that versions" in told


@pytest.mark.parametrize("word", ["true", "null", "~", "1.10", "12", "0x1F", "1e5"])
def test_a_value_that_is_no_text_is_told_to_be_quoted_where_text_is_wanted(
    write_project: Write, project_text: str, word: str
) -> None:
    told = fault(write_project, project_text.replace("data/*.csv", word))
    assert "mizzen.yaml:7: data.source.path: " in told
    assert f'in quotes: "{word}"' in told


def test_words_in_quotes_dates_and_plain_words_stand_as_they_are_written(
    write_project: Write, project_text: str
) -> None:
    text = project_text.replace(
        "kind: lightgbm",
        'kind: lightgbm\n  parameters: {a: ["no", "010"],'
        " b: 2013-01-01, c: true, y: n, d: 0, e: 0.5, f: 10, g: 1.10.2, h: nobody}",
    )
    found = load_project(write_project(text)).trainer.parameters
    assert found == {
        "a": ["no", "010"], "b": "2013-01-01", "c": True, "y": "n", "d": 0, "e": 0.5,
        "f": 10, "g": "1.10.2", "h": "nobody",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mizzen.yaml is empty"),
        ("# only a comment\n", "mizzen.yaml is empty"),
        ("- a\n- b\n", "mizzen.yaml:1: the file holds no mapping"),
        ("name: [unclosed\n", "mizzen.yaml:2:1: not YAML"),
        ("name: !!python/object/apply:os.system [x]\n", "object/apply:os.system is not allowed"),
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


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/b", "..", "", "-x", "a\\b", "a\0b", "x" * 64, "\udcff"]
)
def test_a_profile_outside_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "x.yaml").write_text("apiVersion: mizzen.dev/v1\nkind: Profile\n")
    with pytest.raises(InvalidProject, match=r"is no name of a profile"):
        load_profile(tmp_path, name)


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


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ('{cron: "0 25 * * *"}', "mizzen.yaml:26: retraining.schedule.cron: not a cron expression"),
        ('{cron: "0 25 * * *"}', "bad hour; given: '0 25 * * *'; allowed: minute, hour, day of"),
        ('{cron: "0 3 * *"}', "not a cron expression: not 5 fields, but 4; given: '0 3 * *'"),
        ('{cron: "* 0 3 * * 1"}', "not 5 fields, but 6"),
        ('{cron: "@weekly"}', "not 5 fields, but 1"),
        ('{cron: "0 0 30 2 *"}', "bad day-of-month"),
        ('{cron: "0 0 */20 * 1L"}', "no day meets it within 50 years"),
        ("{cron: 7}", "retraining.schedule.cron: should be a valid string; given: 7"),
        ("{}", "retraining.schedule.cron: the field is required"),
        ('"0 3 * * 1"', "schedule: should be a mapping; given: '0 3 * * 1'; allowed: a mapping wi"),
        ('{cron: "0 3 * * 1", zone: Europe/berlin}', "did you mean 'Europe/Berlin'?; given"),
        ('{cron: "0 3 * * 1", zone: New York}', "did you mean 'America/New_York'?"),
        ('{cron: "0 3 * * 1", zone: "+01:00"}', "allowed: a name of the IANA database"),
        ('{cron: "0 3 * * 1", zone: localtime}', "schedule.zone: not a known time zone"),
        ('{cron: "0 3 * * 1", zone: ../UTC}', "schedule.zone: not a known time zone"),
        ('{cron: "0 3 * * 1", zone: Europe}', "schedule.zone: not a known time zone"),
    ],
)
def test_a_schedule_that_would_never_start_or_start_elsewhere_is_refused(
    write_project: Write, project_text: str, schedule: str, said: str
) -> None:
    text = f"{project_text}retraining: {{triggers: [schedule], schedule: {schedule}}}\n"
    if "cron:" in schedule:
        text = text.replace(", schedule: {", ",\n  schedule: {")
    assert said in fault(write_project, text)


def test_a_schedule_that_the_guard_would_always_refuse_is_refused(
    write_project: Write, project_text: str
) -> None:
    schedule = 'schedule: {cron: "0 3 * * 1"}'
    told = fault(write_project, f"{project_text}retraining:\n  {schedule}\n")
    assert "`retraining.triggers` does not list `schedule`" in told
    assert "write triggers: [drift, schedule]" in told
    listed = f"{project_text}retraining:\n  triggers: [schedule]\n  {schedule}\n"
    assert load_project(write_project(listed)).retraining.schedule is not None
