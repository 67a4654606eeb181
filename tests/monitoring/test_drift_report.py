"""The report that people read: complete in itself, and clear about who raises the alarm."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.evidently.report import EvidentlyReport
from mizzen.core.drift import ColumnDrift
from mizzen.core.place import Place
from mizzen.errors import InvalidData
from mizzen.spec import Profile

PROFILE = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})


def frame(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "load": rng.normal(size=300),
            "kind": rng.choice(["a", "b", None], 300),
            "gone": [None] * 300 if seed else rng.normal(size=300),
        }
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    report = EvidentlyReport(Place("pumps", folder, PROFILE))
    written = report.render(
        frame(0),
        frame(1),
        folder / "r.html",
        categories=["kind"],
        verdict="ALARM: load <script>",
        measures=[
            ColumnDrift("kind", "input", "distribution", 0.01, 0.2, 300),
            ColumnDrift("load", "input", "distribution", 0.3456, 0.1234, 300),
        ],
    )
    assert [file.name for file in folder.iterdir()] == ["r.html"]
    return written.read_text(encoding="utf-8")


def test_the_page_loads_nothing_from_elsewhere(page: str) -> None:
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)\s*=\s*[\"'](?!data:)", page)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "http" not in policy[1]


def test_the_calibrated_verdict_stands_above_everything(page: str) -> None:
    body = page[page.index("<body>") :]
    assert body.index("ALARM: load &lt;script&gt;") < 400
    assert re.search(r"load.*0.3456.*0.1234.*beyond.*kind.*0.01.*0.2.*within", body[:2500])


def test_the_page_has_one_verdict(page: str) -> None:
    assert page.lower().count("alarm") == 1
    assert not re.search(r"drift (is |was )?(not )?detected", page, re.IGNORECASE)
    assert "Dataset Drift" not in page


def test_columns_are_in_the_page_but_for_those_without_values(page: str) -> None:
    assert json.dumps("load") in page
    assert '"gone"' not in page


def test_samples_without_a_common_column_are_refused(tmp_path: Path) -> None:
    report = EvidentlyReport(Place("pumps", tmp_path, PROFILE))
    with pytest.raises(InvalidData, match="nothing to draw"):
        report.render(
            frame(0)[["load"]], frame(1)[["gone"]], tmp_path / "r.html", categories=[], verdict=""
        )


def test_evidently_is_asked_to_tell_nobody_and_loads_only_when_needed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from mizzen.adapters.evidently.report import EvidentlyReport;"
        "assert 'evidently' not in sys.modules; import mizzen_monitoring.drift_job;"
        "assert 'evidently' not in sys.modules"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DO_NOT_TRACK"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    assert os.environ["DO_NOT_TRACK"] == "1"
