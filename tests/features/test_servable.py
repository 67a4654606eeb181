"""A version that is about to be served finds the newest values of its features online."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd

from mizzen.adapters.feast.source import FeastSource
from mizzen.adapters.files.model_folder import write_manifest
from mizzen.control.models.prepare import materialize
from mizzen.core.encoding import Encoder
from mizzen.core.manifest import Manifest
from mizzen.core.place import Place
from mizzen.core.views import VersionedView, versioned
from mizzen.spec.load import load_project

DAY = datetime.fromisoformat("2023-11-15T00:00:00+00:00")  # hour 0 of the fixture's day
PROJECT = """
apiVersion: mizzen.dev/v1
kind: Project
name: ports-of-call
task: regression
data: {source: {path: rows.csv}, key: [id], event_time: at}
features:
  columns: [{name: size}]
  views:
    - name: traffic
      entity: [port]
      source: views:traffic
      ttl: 3h
      columns: [{name: ships}, {name: mood, kind: category}]
label: {column: delay}
split: {by: time, test: 1d}
trainer: {kind: lightgbm}
evaluation: {metrics: [rmse]}
"""


def package(folder: Path) -> tuple[Path, VersionedView]:
    (folder / "mizzen.yaml").write_text(PROJECT)
    spec = load_project(folder)
    (folder / "project.json").write_text(spec.model_dump_json(by_alias=True))
    view = versioned(spec.features.views[0], "c0de", {})
    manifest = Manifest("lightgbm", "regression", views={"traffic": view.record()})
    write_manifest(folder, manifest, Encoder((), ()))
    return folder, view


def test_a_served_version_answers_with_the_newest_features(
    place: Place, source: FeastSource, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    folder, view = package(tmp_path)
    source.apply([view], {"traffic": traffic})
    until = DAY.replace(hour=2, minute=30)
    assert materialize(place, folder, until) == 2
    found = source.online([view], {"port": ["hamburg", "bremen"]}, [until, until])
    assert found["ships"] == [11, 20]


def test_a_package_without_views_needs_no_feature_store(place: Place, tmp_path: Path) -> None:
    folder, _ = package(tmp_path)
    project = (folder / "project.json").read_text().replace('"use":null', '"use":[]')
    (folder / "project.json").write_text(project)
    assert materialize(place, folder, DAY) == 0
