"""A champion's features are its own, computed on the candidate's rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters.files.model_folder import write_manifest
from mizzen.adapters.tables import write_table
from mizzen.core.encoding import Encoder
from mizzen.core.manifest import Manifest
from mizzen.core.place import Place
from mizzen.core.views import VersionedView
from mizzen.errors import InvalidProject
from mizzen.spec.features import FeatureView
from mizzen.spec.load import load_project
from mizzen_components.champion_features import own_features
from mizzen_components.feature_records import write_records
from mizzen_components.view_files import PROJECT_DIR
from mizzen_components.view_values import compute

from .conftest import times
from .test_servable import PROJECT

pytestmark = pytest.mark.parametrize("kind", ["local"], indirect=True)
OLD = "def traffic(tables): return tables['news']\n"
NEW = "def traffic(tables): return tables['news'].assign(ships=0.0)\n"
READING = """
def traffic(tables):
    return tables["news"].assign(ships=float(open("weight.txt").read()))
"""


class Compared:
    """A registered version with `code`, and rows that were joined by today's code."""

    def __init__(self, place: Place, folder: Path, traffic: pd.DataFrame, code: str) -> None:
        self.place, self.folder, self.traffic = place, folder, traffic
        (folder / "mizzen.yaml").write_text(PROJECT)
        self.spec = load_project(folder)
        self.sources, self.tables = folder / "sources", folder / "tables"
        self.sources.mkdir()
        write_table(traffic, self.tables / "news.parquet")
        (found,) = self.compute(code)
        manifest = Manifest("lightgbm", "regression", views={"traffic": found.record()})
        write_manifest(folder, manifest, Encoder((), ()))
        (folder / "project.json").write_text(self.spec.model_dump_json(by_alias=True))

    def compute(self, code: str) -> list[VersionedView]:
        """The view in the version that this code makes."""
        self.code = self.folder / f"code-{len(list(self.folder.iterdir()))}"
        self.code.mkdir()
        (self.code / "views.py").write_text(code)
        views: tuple[FeatureView, ...] = self.spec.features.used_views
        return [one.view for one in compute(views, self.code, {"news": self.traffic}, self.place)]

    def features(self, today: str, **columns: Any) -> pd.DataFrame:
        """The frame for the registered version, when today's code is this."""
        own = self.code
        write_records(self.sources, self.compute(today), {})
        rows = pd.DataFrame({"port": ["hamburg", "bremen"], "at": times(1.5, 2), "size": [1, 2]})
        frame = rows.assign(**columns)
        given = (self.spec, self.tables, self.sources, self.place)
        return own_features(self.folder, own, frame, *given)


def test_views_whose_code_has_changed_are_computed_by_the_champions_own(
    place: Place, tmp_path: Path, traffic: pd.DataFrame
) -> None:
    compared = Compared(place, tmp_path, traffic, OLD)
    found = compared.features(NEW, ships=[0.0, 0.0], mood=["calm", None])
    assert found["ships"].tolist() == [10, 20]
    assert list(found) == ["port", "at", "size", "ships", "mood"]


def test_a_view_of_the_same_version_is_taken_from_the_rows(
    place: Place, tmp_path: Path, traffic: pd.DataFrame
) -> None:
    compared = Compared(place, tmp_path, traffic, OLD)
    found = compared.features(OLD, ships=[7.0, 7.0], mood=["calm", None])
    assert found["ships"].tolist() == [7, 7]


def test_a_view_that_the_candidate_leaves_out_is_computed_for_the_champion(
    place: Place, tmp_path: Path, traffic: pd.DataFrame
) -> None:
    compared = Compared(place, tmp_path, traffic, OLD)
    own = compared.code
    write_records(compared.sources, [], {})
    rows = pd.DataFrame({"port": ["hamburg"], "at": times(1.5), "size": [1]})
    spec = compared.spec.model_copy(
        update={"features": compared.spec.features.model_copy(update={"use": ()})}
    )
    found = own_features(tmp_path, own, rows, spec, compared.tables, compared.sources, place)
    assert found["ships"].tolist() == [10]


def test_a_champion_whose_view_read_other_files_is_said_to_be_incomparable(
    place: Place, tmp_path: Path, traffic: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROJECT_DIR, str(tmp_path))
    (tmp_path / "weight.txt").write_text("100")
    compared = Compared(place, tmp_path, traffic, READING)
    (tmp_path / "weight.txt").write_text("10")
    with pytest.raises(InvalidProject, match=r"another content of files: weight\.txt"):
        compared.features(READING, ships=[10.0, 10.0], mood=["calm", None])
