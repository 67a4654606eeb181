"""The command's manners: help with examples, JSON documents, exit codes, errors that teach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import mizzen as package
from mizzen.adapters.cache.store import StepCache
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.cli.app import COMMANDS, app
from mizzen.cli.values import records
from mizzen.control.workspace import open_workspace
from mizzen.errors import UserError
from mizzen.ports.prediction_log import Prediction
from mizzen.state.records import ServedVersion

Mizzen = Callable[..., subprocess.CompletedProcess[str]]
Answer = Callable[..., Any]


def leaves(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    names = command.list_commands(None) if hasattr(command, "list_commands") else []
    if not names:
        return [(path, command)]
    return [
        leaf for name in names for leaf in leaves(command.get_command(None, name), (*path, name))
    ]


LEAVES = leaves(get_command(app))


def test_every_command_that_the_documents_name_is_there() -> None:
    names = {" ".join(path) for path, _ in LEAVES}
    assert names >= {
        "init", "check", "run", "serve", "predict", "drift", "retrain", "demo", "up", "down",
        "status", "doctor", "runs list", "runs show", "runs logs", "runs resume", "runs cancel",
        "models list", "models show", "models promote", "models register", "models compare",
        "models package", "models export", "replay", "windows",
        "labels add", "labels import", "cache prune", "features list", "features refresh",
        "features prune",
    }  # fmt: skip
    assert set(COMMANDS) == {path[0] for path, _ in LEAVES}


def test_a_command_that_used_duckdb_ends_without_a_word_on_the_error_output() -> None:
    script = (
        "import sys, duckdb; from mizzen.cli import main;"
        "duckdb.sql('select 1').fetchall(); sys.argv = ['mizzen', '--version']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == package.__version__


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(p) for p, _ in LEAVES])
def test_every_command_has_help_an_example_and_the_common_options(
    path: tuple[str, ...], command: Any
) -> None:
    assert command.help
    assert f"mizzen {' '.join(path)}" in command.epilog
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--json", "--project", "--profile", "--debug"} <= options
    assert all(p.help for p in command.params if p.name != "help"), "an option without help"


def test_help_names_every_command_and_exit_code(mizzen: Mizzen) -> None:
    text = mizzen("--help").stdout
    assert all(name in text for name in COMMANDS)
    assert "Exit codes" in text


def test_the_version_is_the_package_s(mizzen: Mizzen) -> None:
    assert mizzen("--version").stdout.strip() == package.__version__


def test_the_exports_are_what_all_says() -> None:
    assert set(package.__all__) == {"MizzenError", "Project", "Run", "__version__"}
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError):
        package.nothing  # noqa: B018


def test_an_error_says_given_allowed_and_next(mizzen: Mizzen) -> None:
    done = mizzen("check")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "no mizzen.yaml" in done.stderr
    assert "next: go to a project's folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_is_a_document_too(mizzen: Mizzen) -> None:
    done = mizzen("check", "--json")
    assert done.returncode == 3
    error = json.loads(done.stdout)["error"]
    assert error["error"] == "InvalidProject"
    assert error["next"]


def test_a_traceback_is_shown_when_asked_for(mizzen: Mizzen) -> None:
    assert "Traceback" in mizzen("check", "--debug").stderr


@pytest.mark.parametrize("words", [("chek",), ("run", "--untill", "x"), ("runs", "show")])
def test_wrong_usage_exits_with_2(mizzen: Mizzen, words: tuple[str, ...]) -> None:
    assert mizzen(*words).returncode == 2


def test_a_misspelt_command_is_suggested(mizzen: Mizzen) -> None:
    assert "check" in mizzen("chek").stderr


def test_init_then_check(answer: Answer, mizzen: Mizzen, tmp_path: Path) -> None:
    assert answer("init", "sales")["folder"] == str(tmp_path / "sales")
    found = answer("check", "--data", "--project", "sales")
    assert found["ok"]
    assert mizzen("init", "sales").returncode == 3


def test_a_fault_makes_check_exit_with_3(mizzen: Mizzen, shop: Path) -> None:
    file = shop / "mizzen.yaml"
    file.write_text(file.read_text().replace("roc_auc", "roc_auk"))
    done = mizzen("check", cwd=shop)
    assert done.returncode == 3
    assert "did you mean 'roc_auc'" in done.stdout


def test_what_images_of_a_cluster_lack_is_told_before_any_run(mizzen: Mizzen, shop: Path) -> None:
    fine = mizzen("check", "--images", cwd=shop)
    assert fine.returncode == 0
    assert "hold what its steps import" in fine.stdout
    bill = shop / "sbom.json"
    bill.write_text('{"components": [{"name": "pandas", "purl": "pkg:pypi/pandas@3"}]}')
    lacking = mizzen("check", "--sbom", "sbom.json", cwd=shop)
    assert lacking.returncode == 3
    assert "sbom.json lacks what steps import" in lacking.stdout
    assert "train: lightgbm" in lacking.stdout
    assert mizzen("check", "--sbom", "nowhere.json", cwd=shop).returncode == 3


def test_an_empty_project_answers_every_question(answer: Answer, shop: Path) -> None:
    assert answer("runs", "list", cwd=shop) == {"runs": []}
    assert answer("models", "list", cwd=shop) == {"versions": [], "champion": None}
    assert answer("models", "history", cwd=shop) == {"promotions": []}
    assert answer("retrain", "--history", cwd=shop) == {"decisions": []}
    assert answer("retrain", "--requests", cwd=shop) == {"requests": []}
    assert not answer("status", cwd=shop)["stack"]["running"]
    assert answer("down", cwd=shop) == {"stopped": False}


def test_an_event_is_stored_once_however_often_the_command_is_called(
    answer: Answer, shop: Path
) -> None:
    words = ("retrain", "--request", "--cause", "merge", "--key", "3f9c2d1", "--reason", "of main")
    (first,) = answer(*words, cwd=shop)["requests"]
    assert (first["key"], first["cause"], first["reason"]) == ("3f9c2d1", "merge", "of main")
    assert (first["state"], first["decision"]) == ("waiting", None)
    assert answer(*words, cwd=shop) == {"requests": [first]}
    assert answer("retrain", "--requests", cwd=shop) == {"requests": [first]}
    assert answer("runs", "list", cwd=shop) == {"runs": []}


def test_status_says_what_is_served_by_another_machine_of_the_same_state(
    mizzen: Mizzen, shop: Path
) -> None:
    state, since = open_workspace(shop).state, datetime(2026, 1, 2, tzinfo=UTC)
    state.projects.ensure("shop", str(shop), since)
    state.monitoring.set_served(ServedVersion("shop", 3, "http://ml7:3000", 1, since))
    said = mizzen("status", cwd=shop).stdout
    assert "by the state, version 3 is served at http://ml7:3000 since 2026-01-02 00:00:00" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--set", "gate.margin"), "FIELD=VALUE"),
        (("run", "--set", "gate.margn=1"), "did you mean 'margin'"),
        (("run", "--from", "yesterday"), "2013-06-01"),
        (("run", "--profile", "nowhere"), "no profile 'nowhere'"),
        (("runs", "show", "x"), "there is no run yet"),
        (("models", "promote", "4"), "no run has registered one yet"),
        (("predict", "--row", "{}"), "mizzen up"),
        (("predict",), "--row, --file or --batch"),
        (("run", "--set", "gate.nope=1"), "next: fix --set gate.nope\n"),
        (("serve",), "has no champion\n  next: train one: mizzen run\n"),
        (("drift",), "has no champion\n  next: train one: mizzen run\n"),
        (("retrain", "--cause", "moon"), "drift"),
        (("retrain", "--reset", "--unfreeze"), "given: --reset and --unfreeze"),
        (("retrain", "--reset", "--until", "2025-06-01"), "given: --reset and a retraining"),
        (("retrain", "--until", "2999-01-01"), "the window has not ended"),
        (("retrain", "--request", "--cause", "merge"), "needs the id of its event"),
        (("retrain", "--request", "--until", "2025-06-01"), "given: --until"),
        (("retrain", "--reason", "because"), "given: --reason without --request"),
        (("retrain", "--requests", "--request"), "given: --requests and a retraining"),
        (("labels", "import", "nothing.csv"), "cannot be read"),
        (("cache", "prune", "--older-than", "a month"), "as in 90d"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_told_with_a_way_on(
    mizzen: Mizzen, shop: Path, words: tuple[str, ...], said: str
) -> None:
    done = mizzen(*words, cwd=shop)
    assert done.returncode == 3, done.stdout + done.stderr
    assert said in done.stderr
    assert "serving on" not in done.stderr


def test_a_failed_run_says_how_the_step_is_mended_then_where_its_log_is(
    mizzen: Mizzen, shop: Path
) -> None:
    done = mizzen("run", "--until", "2024-01-01", cwd=shop)
    assert done.returncode == 5
    told = done.stderr
    assert "in step snapshot: " in told
    assert told.index("given: ") < told.index("next: ") < told.index("mizzen runs logs")


def log(shop: Path, *ids: str) -> None:
    now = datetime.now(UTC)
    kept = SegmentLog(package.Project.open(shop).workspace.place)
    kept.append([Prediction(name, now, "shop", 1, {}, {}, 0.5, now) for name in ids])
    kept.close()


@pytest.fixture
def priced(shop: Path) -> Path:
    """A project that predicts a number, with three logged predictions."""
    description = shop / "mizzen.yaml"
    text = description.read_text().replace("task: binary", "task: regression")
    description.write_text(text.replace("roc_auc", "rmse").replace("log_loss", "mae"))
    log(shop, "a", "b", "c")
    return shop


def stored(shop: Path) -> dict[str, object]:
    place = package.Project.open(shop).workspace.place
    return {name: label.value for name, label in SegmentLog(place).labels().items()}


def test_labels_are_kept_without_a_service(answer: Answer, priced: Path) -> None:
    table = "prediction_id,value,at\na,1,2026-01-01T00:00:00Z\nb,0.5,\n"
    (priced / "labels.csv").write_text("\ufeff" + table)
    kept = answer("labels", "import", "labels.csv", cwd=priced)
    assert (kept["accepted"], kept["unknown"]) == (2, [])
    assert answer("labels", "add", "c", "-1.5", cwd=priced)["accepted"] == 1
    assert stored(priced) == {"a": 1.0, "b": 0.5, "c": -1.5}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("prediction_id,value\na,1\nb,nan\n", "row 2, id b: 'nan'"),
        ("prediction_id,value\na,1\nb,\n", "row 2, id b: no value"),
        ("prediction_id,value,at\na,1,\nb,1,2026-01-01\n", "row 2, id b: '2026-01-01'"),
        ("prediction_id,value,at\na,1,2099-01-01T00:00:00Z\n", "lies in the future"),
        ("prediction_id,value,time\na,1,2026-01-01T00:00:00Z\n", "'time': 'at'"),
        ("prediction_id,value\na,1,5\n", "3 fields under prediction_id, value"),
        ('[{"prediction_id": "a", "value": 1}, {"prediction_id": "b", "value": true}]', "id b"),
        ('[{"prediction_id": "a", "value": 1, "known": 0}]', "prediction_id, value and"),
        ('[{"prediction_id": "a", "value": 1, "value": 0}]', "'value': 1 and 0"),
        ("prediction_id;value\na;1\n", "separates its columns by ';'"),
        ("prediction_id,value\na,1\nb,1\na,2\n", "row 3, id a: '2', and '1' in row 1"),
    ],
)
def test_a_file_with_one_wrong_label_is_refused_whole(
    mizzen: Mizzen, priced: Path, table: str, told: str
) -> None:
    (priced / "labels.csv").write_text(table)
    done = mizzen("labels", "import", "labels.csv", cwd=priced)
    assert done.returncode == 3
    assert told in done.stderr
    assert stored(priced) == {}


def test_labels_of_unknown_predictions_are_told_and_not_kept(mizzen: Mizzen, priced: Path) -> None:
    shop = priced
    refused = mizzen("labels", "add", "x", "1", cwd=shop)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "given: x\n" in refused.stderr
    assert "next: " in refused.stderr
    (shop / "labels.csv").write_text("prediction_id,value\na,1\nx,0\ny,1\n")
    done = mizzen("labels", "import", "labels.csv", cwd=shop)
    assert done.returncode == 3
    assert "1 label kept" in done.stdout
    assert "left out: x, y" in done.stdout
    assert set(stored(shop)) == {"a"}


def test_cached_results_are_pruned_by_their_age(answer: Answer, shop: Path, tmp_path: Path) -> None:
    cache = StepCache(package.Project.open(shop).workspace.place.home)
    (tmp_path / "output").write_text("text")
    cache.keep("key", "train", 1.0, {}, {"model": tmp_path / "output"})
    assert answer("cache", "prune", cwd=shop)["entries"] == 0
    assert cache.find("key") is not None
    used = time.time() - 3600
    for file in (shop / ".mizzen" / "cache" / "steps").iterdir():
        os.utime(file, (used, used))
    pruned = answer("cache", "prune", "--older-than", "30m", cwd=shop)
    assert (pruned["entries"], pruned["objects"]) == (1, 1)
    assert cache.find("key") is None


def test_the_doctor_says_what_is_here(mizzen: Mizzen, shop: Path) -> None:
    done = mizzen("doctor", "--json", cwd=shop)
    subjects = {d["subject"] for d in json.loads(done.stdout)["diagnoses"]}
    assert {"python", "disk", "git", "state", "mlflow"} <= subjects


def test_rows_nested_beyond_reason_are_refused(tmp_path: Path) -> None:
    for text in ("[" * 100_000, '{"a":' * 100_000):
        with pytest.raises(UserError, match=r"rows.json holds no JSON rows"):
            records(text, "rows.json")
