"""`mizzen check` finds what would stop a run, without running anything unless asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from mizzen.control.check import Finding, check, check_images
from mizzen.control.check.data import check_data
from mizzen.control.scaffold import create, templates
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.errors import Conflict, UserError

SOLD = """
apiVersion: mizzen.dev/v1
kind: Project
name: sold
task: binary
data: {source: {path: x.csv}, key: [id], event_time: at}
features:
  views:
    - {name: sold, source: "views:sold", entity: [zip], ttl: 365d, columns: [{name: many}]}
label: {column: y}
split: {by: key, test: 0.3}
trainer: {kind: lightgbm}
evaluation: {metrics: [roc_auc]}
"""


def faults(workspace: Workspace, data: bool = False) -> list[Finding]:
    return [finding for finding in check(workspace, data) if finding.level == "error"]


def changed(workspace: Workspace, old: str, new: str) -> Workspace:
    file = workspace.folder / "mizzen.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return open_workspace(workspace.folder)


@pytest.mark.parametrize("template", templates())
def test_every_template_checks_with_its_data(tmp_path: Path, template: str) -> None:
    workspace = open_workspace(create(tmp_path / "fresh", template))
    assert faults(workspace, data=True) == []
    assert workspace.spec.name == "fresh"


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    create(tmp_path / "a")
    with pytest.raises(Conflict):
        create(tmp_path / "a")
    with pytest.raises(UserError, match="project name"):
        create(tmp_path / "My Project")
    with pytest.raises(UserError, match="tabular"):
        create(tmp_path / "b", "nothing")
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


@pytest.mark.parametrize(
    ("old", "new", "subject", "said"),
    [
        ("roc_auc", "roc_auk", "evaluation.metrics", "roc_auc"),
        ("roc_auc", "rmse", "evaluation.metrics", "rmse"),
        ("kind: lightgbm", "kind: lightgbn", "trainer.kind", "lightgbm"),
        ("ToBeUnique", "ToBeUniqe", "expectations", "did you mean 'ExpectColumnValuesToBeUnique'"),
        ("data/*.csv", "date/*.csv", "data.source.path", "names no file"),
        ("seed: 1", "seed: 1\n  resources: {nodes: 4}", "trainer.resources", "nodes"),
    ],
)
def test_unknown_names_are_told(
    workspace: Workspace, old: str, new: str, subject: str, said: str
) -> None:
    found = faults(changed(workspace, old, new))
    assert [fault.subject for fault in found] == [subject]
    assert said in found[0].message + str(found[0].next_step)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "no file data.py"),
        ("def lood(): ...", "did you mean 'lood'"),
        ("def load(:\n", "data.py:1"),
    ],
)
def test_functions_are_found_without_running_them(
    workspace: Workspace, code: str | None, said: str
) -> None:
    if code is not None:
        (workspace.folder / "data.py").write_text(code + "\nraise SystemExit('it ran')\n")
    found = faults(changed(workspace, "path: data/*.csv", "python: data:load"))
    assert said in found[0].message


def test_an_imported_function_counts(workspace: Workspace) -> None:
    (workspace.folder / "data.py").write_text("from helpers import load\n")
    assert faults(changed(workspace, "path: data/*.csv", "python: data:load")) == []


def test_a_wrong_profile_and_a_wrong_story_are_told(workspace: Workspace) -> None:
    (workspace.folder / "profiles" / "far.yaml").write_text("kind: Profile\n")
    (workspace.folder / "demo.yaml").write_text("kind: Demo\n")
    assert {fault.subject for fault in faults(workspace)} == {"profile", "demo.yaml"}


@pytest.mark.parametrize(
    ("old", "new", "subject"),
    [
        ("{name: price}", "{name: prize}", "data"),
        ("{name: country, kind: category}", "{name: country}", "data"),
        ("slices: [country]", "slices: [land]", "evaluation.slices"),
        ("key: [order_id]", "key: [country]", "data"),
        ("column: returned", "column: gone", "data"),
    ],
)
def test_data_is_held_against_the_description(
    workspace: Workspace, old: str, new: str, subject: str
) -> None:
    assert [f.subject for f in faults(changed(workspace, old, new), data=True)] == [subject]


def test_unknown_parameters_of_a_torch_trainer_are_told(workspace: Workspace) -> None:
    (workspace.folder / "net.py").write_text("def build(inputs): ...\n")
    found = faults(changed(workspace, "kind: lightgbm", "kind: torch\n  model: net:build"))
    assert [fault.subject for fault in found] == ["trainer.parameters"]
    assert "'num_iterations'" in found[0].message
    assert "allowed: epochs, batch_size" in found[0].message


def test_slices_by_the_label_are_no_fault(workspace: Workspace) -> None:
    sliced = changed(workspace, "slices: [country]", "slices: [returned]")
    assert all(f.level == "ok" for f in check(sliced) if f.subject == "evaluation.slices")


def rewrite(workspace: Workspace, old: str, new: str) -> None:
    file = workspace.folder / "data" / "orders.csv"
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2025-0", "2125-0", "future"),
        ("Z,", ",", "zone"),
        (",1\n", ",0\n", "one value only"),
        ("books,0\n", "books,2\n", "expectation failed"),
    ],
)
def test_bad_rows_are_told(workspace: Workspace, old: str, new: str, said: str) -> None:
    rewrite(workspace, old, new)
    found = faults(workspace, data=True)
    assert found
    assert said in " ".join(fault.message for fault in found)


def test_an_import_that_no_image_has_is_named_with_its_line(workspace: Workspace) -> None:
    assert {finding.level for finding in check_images(workspace)} == {"ok"}
    (workspace.folder / "source.py").write_text("import polars\n\n\ndef rows(): ...\n")
    found = check_images(changed(workspace, "path: data/*.csv", "python: source:rows"))
    assert [finding.level for finding in found] == ["error"]
    assert "snapshot: polars (source.py:1)" in found[0].message


@pytest.mark.parametrize("content", ["[]", "", "\xff", None])
def test_a_bill_of_materials_that_is_none_is_refused(
    workspace: Workspace, tmp_path: Path, content: str | None
) -> None:
    bill = tmp_path / "bill.json"
    if content is not None:
        bill.write_bytes(content.encode("latin-1"))
    found = check_images(workspace, bill)
    assert [finding.level for finding in found] == ["error"]
    assert "bill of materials" in found[0].message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("min_rows: 200", "min_rows: 100000", "neither drift nor quality"),
        ("window: 30d\n  min_rows", "window: 1h\n  min_rows", "neither drift nor quality"),
        ("window: 30d\n  min_rows", "window: 365d\n  min_rows", "longer than serving.log.retent"),
    ],
)
def test_what_will_never_be_judged_is_told_before_anything_is_served(
    workspace: Workspace, old: str, new: str, said: str
) -> None:
    subjects = {"monitoring.min_rows", "monitoring.window"}
    assert [f for f in check(workspace, with_data=True) if f.subject in subjects] == []
    found = check(changed(workspace, old, new), with_data=True)
    told = [f for f in found if f.subject in subjects]
    assert [f.level for f in told] == ["warning"]
    assert said in told[0].message


@pytest.mark.parametrize(
    ("rows", "history", "said"),
    [
        (["02116", "10001"], "[2116, 10001]", "writes '2116' where the rows write '02116'"),
        (["True", "no"], "['true', 'no']", "writes 'true' where the rows write 'True'"),
        (["1.10", "2"], "[1.1, 2.0]", "writes '1.1' where the rows write '1.10'"),
        (["1", "2"], "[1, 2]", None),
        (["02116", "10001"], "['02116', '9']", None),
    ],
)
def test_entities_that_rows_and_a_history_write_in_two_ways_are_told(
    tmp_path: Path, rows: list[str], history: str, said: str | None
) -> None:
    lines = [f"{n},2024-03-{n % 9 + 1:02d}T00:00:00Z,{rows[n % 2]},{n % 3 % 2}" for n in range(40)]
    (tmp_path / "x.csv").write_text("\n".join(["id,at,zip,y", *lines]) + "\n")
    (tmp_path / "views.py").write_text(
        "import pandas as pd\n\ndef sold(tables):\n"
        "    at = pd.Timestamp('2024-02-01', tz='UTC')\n"
        f"    found = {{'zip': {history}, 'event_timestamp': at, 'many': [1.0, 2.0]}}\n"
        "    return pd.DataFrame(found)\n"
    )
    (tmp_path / "mizzen.yaml").write_text(SOLD)
    found = check_data(open_workspace(tmp_path))
    assert [f for f in found if f.level == "error"] == []
    told = [f.message for f in found if (f.level, f.subject) == ("warning", "features.views")]
    assert len(told) == (said is not None)
    assert said is None or said in told[0]
    assert said is None or told[0].startswith("1 of 2 entities 'zip' of the rows are not in")


def test_entities_that_the_features_step_refuses_are_refused_by_the_check(tmp_path: Path) -> None:
    lines = [f"{n},2024-03-01T00:00:00Z,{n % 2},{n % 3 % 2}" for n in range(40)]
    (tmp_path / "x.csv").write_text("\n".join(["id,at,zip,y", *lines]) + "\n")
    (tmp_path / "views.py").write_text(
        "import pandas as pd\n\ndef sold(tables):\n"
        "    at = pd.Timestamp('2024-02-01', tz='UTC')\n"
        "    found = {'zip': [True, False], 'event_timestamp': at, 'many': [1.0, 2.0]}\n"
        "    return pd.DataFrame(found)\n"
    )
    (tmp_path / "mizzen.yaml").write_text(SOLD)
    (fault,) = [f for f in check_data(open_workspace(tmp_path)) if f.level == "error"]
    assert "name 'zip' in different ways" in fault.message


def of_views(folder: Path, trainer: str, history: str = "[1.0, 2.0]", **changes: str) -> Workspace:
    """A project with one view: 60 rows of two places, a number `x` and a label."""
    lines = [f"{n},2024-03-{n % 9 + 1:02d}T00:00:00Z,{n % 2},{n},{n % 3 % 2}" for n in range(60)]
    (folder / "x.csv").write_text("\n".join(["id,at,zip,x,y", *lines]) + "\n")
    (folder / "views.py").write_text(
        "import pandas as pd\n\ndef sold(tables):\n"
        "    at = pd.Timestamp('2024-02-01', tz='UTC')\n"
        f"    found = {{'zip': ['0', '1'], 'event_timestamp': at, 'many': {history}}}\n"
        "    return pd.DataFrame(found)\n"
    )
    text = SOLD.replace("features:\n", "features:\n  columns: [{name: x}]\n")
    for old, new in {"trainer: {kind: lightgbm}": f"trainer: {trainer}", **changes}.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "mizzen.yaml").write_text(text)
    return open_workspace(folder)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("num_leafs: 3", "unknown parameter 'num_leafs'"),
        ("n_jobs: 3", "'n_jobs' is set by the platform"),
        ("num_iterations: 0", "whole number above 0"),
        ("monotone_constraints: {manny: 1}", "'manny', which is no feature"),
        ("monotone_constraints: [1]", "one value for each of x, many"),
        ("learning_rate: fast", "refused to train"),
        ("num_leaves: 1", "(num_leaves) > (1)"),
        ("boosting: dort", "Unknown boosting type dort"),
        ("monotone_constraints: {many: 1, x: -1}, num_leaves: 7", None),
    ],
)
def test_parameters_of_a_lightgbm_trainer_are_checked_with_the_data_also_beside_views(
    tmp_path: Path, parameters: str, said: str | None
) -> None:
    trainer = f"{{kind: lightgbm, parameters: {{{parameters}}}}}"
    found = [f for f in check_data(of_views(tmp_path, trainer)) if f.level == "error"]
    assert [f.subject for f in found] == ["trainer.parameters"] * (said is not None)
    assert said is None or said in found[0].message


@pytest.mark.parametrize(
    ("history", "changes", "said"),
    [
        ("[None, None]", {}, "features without a value in any training row: many"),
        ("[float('inf'), 1.0]", {}, "infinite"),
        ("[1.0, 2.0]", {"{name: many}": "{name: id}"}, "columns named like features of views: id"),
    ],
)
def test_what_a_view_gives_is_refused_by_the_check_as_by_the_steps(
    tmp_path: Path, history: str, changes: dict[str, str], said: str
) -> None:
    found = check_data(of_views(tmp_path, "{kind: lightgbm}", history, **changes))
    (fault,) = [f for f in found if f.level == "error"]
    assert said in fault.message


def test_what_is_odd_about_a_views_numbers_is_said_by_the_check(tmp_path: Path) -> None:
    found = check_data(of_views(tmp_path, "{kind: lightgbm}", "[7.0, 7.0]"))
    (said,) = [f.message for f in found if f.level == "warning" and "'many'" in f.message]
    assert said.startswith("'many' is 7 in every row")


def test_an_own_trainer_without_its_load_is_refused_before_a_run(workspace: Workspace) -> None:
    (workspace.folder / "own.py").write_text("def fit(job): ...\n")
    own = changed(workspace, "kind: lightgbm", "kind: python\n  function: own:fit")
    (fault,) = faults(own)
    assert "own:load: own.py defines no 'load'" in fault.message
    (workspace.folder / "own.py").write_text("def fit(job): ...\n\n\ndef load(kept): ...\n")
    assert faults(own) == []
    (said,) = [f.message for f in check(own) if f.subject == "trainer"]
    assert "shows in the run only" in said
