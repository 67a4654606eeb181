"""A file whose columns are called as people call them, from the check to the service's answers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

NUMBERS = ["annual income.usd", "q[0]", 'size "in" {cm}', "금액", "2nd number", "n" * 300]
ZIP, VERSION, LABEL, SLICE, KEY = "zip-code", "ver,[x] 'y'", "churned?", "part (a/b)", "row-id"
NAMES = {ZIP: ["02116", "2116"], VERSION: ["True", "1.10", "1E5", "NA"]}


def rows_of(count: int) -> list[dict[str, str]]:
    chance = Random(1)
    rows = []
    for number in range(count):
        row = {KEY: f"k{number:04d}", **{name: f"{chance.random():.4f}" for name in NUMBERS}}
        row |= {name: chance.choice(values) for name, values in NAMES.items()}
        sure = float(row["금액"]) + (row[ZIP] == "02116") + (row[VERSION] == "NA")
        label = "yes" if sure + chance.random() / 2 > 1.2 else "no"
        rows.append({**row, LABEL: label, SLICE: chance.choice(["007", "b.c"])})
    return rows


def write_project(folder: Path, rows: list[dict[str, str]]) -> None:
    document: dict[str, Any] = {
        "apiVersion": "mizzen.dev/v1",
        "kind": "Project",
        "name": "odd",
        "task": "binary",
        "data": {"source": {"path": "x.csv"}, "key": [KEY]},
        "features": {
            "columns": [{"name": name} for name in NUMBERS]
            + [{"name": name, "kind": "category"} for name in NAMES]
        },
        "label": {"column": LABEL, "positive": "no"},
        "split": {"by": "key", "test": 0.25},
        "trainer": {
            "kind": "lightgbm",
            "parameters": {"num_iterations": 10, "min_data_per_group": 1, "cat_smooth": 1},
        },
        "evaluation": {
            "metrics": ["roc_auc"],
            "resamples": 100,
            "slices": [SLICE, VERSION, "금액"],
        },
        "expectations": [
            {"expect": "ExpectColumnValuesToNotBeNull", "arguments": {"column": name}}
            for name in rows[0]
        ],
    }
    (folder / "profiles").mkdir(parents=True)
    (folder / "mizzen.yaml").write_text(json.dumps(document))
    profile = "apiVersion: mizzen.dev/v1\nkind: Profile\nserving: {port: 0}\n"
    (folder / "profiles" / "local.yaml").write_text(profile + "tracking: {runs: false}\n")
    with (folder / "x.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.slow
def test_columns_of_any_name_go_from_the_check_to_the_services_answers(
    answer: Callable[..., Any], mizzen: Callable[..., Any], tmp_path: Path
) -> None:
    folder, rows = tmp_path / "odd", rows_of(400)
    write_project(folder, rows)
    checked = mizzen("check", "--data", cwd=folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "positive: 'no'" in checked.stdout
    trained = answer("run", cwd=folder)
    value = next(step for step in trained["steps"] if step["name"] == "evaluate")["figures"]
    assert value["value"] > 0.8
    batch = answer("predict", "--batch", cwd=folder)
    file = next(step for step in batch["steps"] if step["name"] == "predict")["artifacts"]
    predicted = pd.read_parquet(file["predictions"])
    assert predicted["unknown"].isna().all()
    expected = predicted.set_index(KEY)["probability"]
    sent = [
        {
            name: float(row[name]) if name in NUMBERS else row[name]
            for name in (KEY, *NUMBERS, *NAMES)
        }
        for row in rows[:40]
    ]
    (folder / "sent.json").write_text(json.dumps(sent))
    try:
        assert answer("up", cwd=folder)["version"] == 1
        said = answer("predict", "--file", "sent.json", cwd=folder)["predictions"]
    finally:
        assert mizzen("down", cwd=folder).returncode == 0
    assert [one["output"]["probability"] for one in said] == [expected[row[KEY]] for row in sent]
    assert not any(one["unknown"] or one["missing"] for one in said)
    # the probability is of the class that label.positive names
    labels = {one["output"]["label"] for one in said if one["output"]["probability"] > 0.5}
    assert labels == {"no"}
