"""A champion that new data cannot ask any more is replaced by a person, never by a floor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mizzen.control.scaffold import create
from mizzen.errors import UserError
from mizzen.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.e2e]
REASON = "the shop renamed price"


def mizzen(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mizzen", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def rename(folder: Path, old: str, new: str) -> None:
    """In the description, and in the header of the data."""
    (data,) = (folder / "data").glob("*.csv")
    for file in (folder / "mizzen.yaml", data):
        file.write_text(file.read_text().replace(old, new))


def test_an_outgrown_champion_stays_until_a_person_forces_the_next_one(tmp_path: Path) -> None:
    shop = create(tmp_path / "shop")
    local = "apiVersion: mizzen.dev/v1\nkind: Profile\ntracking: {runs: false, port: 0}\n"
    (shop / "profiles" / "local.yaml").write_text(local)
    assert Project.open(shop).run().version == 1

    rename(shop, "price", "cost")  # version 1 asks for a column that is no more
    project = Project.open(shop)
    held = project.run(set={"gate.floor": 0.5})  # a floor that any model reaches
    assert held.version == 2
    told = project.models()[-1]
    assert (told.blessed, told.value > 0.5) == (False, True)
    assert "no floor replaces a champion" in told.reason
    assert "price" in told.reason
    with pytest.raises(UserError, match="says why") as unexplained:
        project.promote(2, force=True)
    assert unexplained.value.next_step == "mizzen models promote 2 --force --reason '...'"

    refused = mizzen(shop, "models", "promote", "2", "--reason", REASON)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "mizzen models promote 2 --force --reason" in refused.stderr
    champion = project.champion()
    assert champion is not None
    assert champion.version == 1

    forced = mizzen(shop, "models", "promote", "2", "--force", "--reason", REASON)
    assert forced.returncode == 0, forced.stderr
    history = project.promotions()
    assert [(p.version, p.previous, p.forced) for p in history] == [(1, None, False), (2, 1, True)]
    assert history[1].reason == REASON
    assert history[1].by not in {"", "gate"}

    again = mizzen(shop, "models", "promote", "2", "--force", "--reason", "once more")
    assert "version 2 is the champion already" in again.stdout
    assert f": {REASON}; nothing changed" in again.stdout
    assert len(project.promotions()) == 2
