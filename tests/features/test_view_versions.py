"""What makes a version of a view, and that two versions stand side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from mizzen.adapters import bundle
from mizzen.adapters.feast.source import FeastSource
from mizzen.core.place import Place
from mizzen.core.views import version_of, versioned, views_of
from mizzen.errors import IntegrityError, InvalidProject
from mizzen.spec.features import FeatureView
from mizzen_components.champion_features import check_version
from mizzen_components.view_files import PROJECT_DIR
from mizzen_components.view_values import compute

from .conftest import hour, times, view

Open = Callable[[Place], FeastSource]
FILES = {
    "views.py": "from helper import double\nimport pandas\n\ndef traffic(tables): ...\n",
    "helper.py": "import deep.inner\n\ndef double(x): return 2 * x\n",
    "deep/__init__.py": "",
    "deep/inner.py": "FACTOR = 1\n",
    "model.py": "def build(): ...\n",
}


def code(folder: Path, **changes: str) -> str:
    files = {**FILES, **{name.replace("__", "/") + ".py": t for name, t in changes.items()}}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return bundle.code_of(folder, "views:traffic")


@pytest.mark.parametrize(
    "change",
    [
        {"views": FILES["views.py"] + "\n# other"},
        {"helper": "import deep.inner\n\ndef double(x): return 3 * x\n"},
        {"deep__inner": "FACTOR = 2\n"},
    ],
)
def test_a_change_of_any_module_that_a_view_is_made_of_is_another_version(
    tmp_path: Path, change: dict[str, str]
) -> None:
    assert code(tmp_path / "a") != code(tmp_path / "b", **change)


def test_a_change_elsewhere_in_the_project_is_no_other_version(tmp_path: Path) -> None:
    other = {"model": "def build(): return 1\n", "new": "import views\n"}
    assert code(tmp_path / "a") == code(tmp_path / "b", **other)


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\n\ndef traffic(tables): importlib.import_module('hel' + 'per')\n",
        "def traffic(tables): __import__(tables)\n",
        "def traffic(tables): exec(tables)\n",
        "from deep import *\n\ndef traffic(tables): ...\n",
        "from .deep import inner\n\ndef traffic(tables): ...\n",
    ],
)
def test_what_is_imported_at_run_time_or_in_another_form_counts_too(
    tmp_path: Path, text: str
) -> None:
    first = code(tmp_path / "a", views=text)
    assert first != code(tmp_path / "b", views=text, deep__inner="FACTOR = 2\n")


READING = """
import os, pandas as pd
from pathlib import Path

def traffic(tables):
    weight = float({read})
    return tables["news"].assign(ships=weight)
"""
READS = {
    "relative": "open('weight.txt').read()",
    "by the environment": "(Path(os.environ['MIZZEN_PROJECT_DIR']) / 'weight.txt').read_text()",
    "pandas": "pd.read_csv('weight.txt', header=None).iloc[0, 0]",
    "low level": "os.read(os.open('weight.txt', os.O_RDONLY), 9)",
}


@pytest.mark.parametrize("read", list(READS))
def test_a_file_that_a_view_reads_is_part_of_its_version(
    place: Place,
    tmp_path: Path,
    traffic: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    read: str,
) -> None:
    project = tmp_path / "my project"
    project.mkdir(exist_ok=True)
    monkeypatch.setenv(PROJECT_DIR, str(project))
    (project / "views.py").write_text(READING.format(read=READS[read]))
    (project / "unread.txt").write_text("1")
    declared = [FeatureView.model_validate(view().model_dump(exclude={"version", "code", "files"}))]

    def version(weight: str) -> tuple[str, float, list[str]]:
        (project / "weight.txt").write_text(weight)
        (found,) = compute(declared, project, {"news": traffic}, place)
        return found.view.version, found.values["ships"].iloc[0], [n for n, _ in found.view.files]

    first, second, again = version("100"), version("10"), version("100")
    assert (first[1], second[1]) == (100, 10)
    assert first == again
    assert first[0] != second[0]
    assert first[2] == ["weight.txt"]


def test_a_file_of_the_views_inputs_counts_however_it_is_read(
    place: Place, tmp_path: Path, traffic: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROJECT_DIR, str(tmp_path))
    (tmp_path / "views.py").write_text("def traffic(tables): return tables['news']\n")
    fields = view().model_dump(exclude={"version", "code", "files"})
    declared = FeatureView.model_validate({**fields, "inputs": ["maps/*.parquet"]})
    with pytest.raises(InvalidProject, match="names no file of the project"):
        compute([declared], tmp_path, {"news": traffic}, place)
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "a.parquet").write_bytes(b"a")
    (found,) = compute([declared], tmp_path, {"news": traffic}, place)
    assert [name for name, _ in found.view.files] == ["maps/a.parquet"]


def test_after_a_change_of_code_and_back_the_old_version_answers_as_it_had(
    source: FeastSource, place: Place, open_source: Open
) -> None:
    ports = [f"p{n}" for n in range(192)]
    at = [hour(2)] * len(ports)
    facts = pd.DataFrame(
        {
            "port": ports,
            "event_timestamp": times(*[1] * len(ports)),
            "ships": [float(n) for n in range(192)],
            "mood": ["calm", "busy"] * 96,
        }
    )
    old, new = view(code="before"), view(code="after")
    source.apply([old], {"traffic": facts})
    source.materialize([old], hour(2))
    said = source.online([old], {"port": ports}, at)
    source.apply([new], {"traffic": facts.assign(ships=-1.0, mood=None)})
    source.materialize([new], hour(2))
    source.push(new, facts.assign(ships=-2.0, event_timestamp=times(*[1.5] * 192)))
    assert open_source(place).online([new], {"port": ports}, at)["ships"] == [-2.0] * 192
    back = open_source(place)
    back.materialize([old], hour(2))
    assert back.online([old], {"port": ports}, at) == said
    assert None not in said["ships"]


def test_a_package_that_names_no_version_of_its_views_is_refused_with_the_way_out() -> None:
    from mizzen.spec.project import ProjectSpec

    project = ProjectSpec.model_construct(
        features=ProjectSpec.model_fields["features"].annotation.model_construct(
            columns=(), views=(view(),), use=None
        )
    )
    with pytest.raises(IntegrityError, match="mizzen run"):
        views_of(project, {})
    (found,) = views_of(project, {"traffic": view().record()})
    assert found == view()


def test_a_view_that_cannot_be_computed_any_more_is_told_with_what_changed() -> None:
    needed = {**view().record(), "files": {"weight.txt": "a"}, "version": "1"}
    with pytest.raises(InvalidProject, match=r"weight\.txt"):
        check_version("traffic", needed, {**needed, "files": {"weight.txt": "b"}, "version": "2"})
    with pytest.raises(InvalidProject, match="other code"):
        check_version("traffic", needed, {**needed, "version": "2"})


def test_the_version_of_several_views_is_of_all_of_them() -> None:
    first, second = view(), view(name="other", columns=[{"name": "x"}])
    assert version_of([]) == ""
    assert len({version_of(v) for v in ([first], [second], [first, second], [view("x")])}) == 4


def test_the_version_of_a_versioned_view_is_that_of_its_declaration() -> None:
    assert versioned(view(), "c0de", {}) == view()
