"""A project's code sees the variables that it declares, as in its run, and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mizzen.adapters import bundle
from mizzen.adapters.bundle import environment as bundled
from mizzen.core.environment import MACHINE, MACHINE_PREFIXES, is_of_machine
from mizzen.core.place import Place
from mizzen.errors import InvalidProject
from mizzen.spec.environment import Variable
from mizzen.spec.profile import Profile

CODE = """
import os
import subprocess
import sys

AT_IMPORT = os.environ.get("FACTOR")


def item(name):
    return os.environ[name]


def get(name):
    return os.getenv(name, "default")


def held(name):
    return name in os.environ


def copied(name):
    return dict(os.environ).get(name), os.environ.copy().get(name), sorted(os.environ).count(name)


def expanded(name):
    return os.path.expandvars("$" + name)


def at_import(name):
    return AT_IMPORT


def of_a_program(name):
    words = [sys.executable, "-c", f"import os; print(os.environ.get({name!r}))"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    return Place("shop", tmp_path / "home", profile)


@pytest.fixture
def pack(place: Place, tmp_path: Path) -> Callable[..., str]:
    """Packs code that declares these variables; its digest."""

    def make(*variables: Any) -> str:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        (folder / "code.py").write_text(CODE)
        named = [Variable.model_validate(variable) for variable in variables]
        return bundle.pack(folder, bundle.store_of(place), bundle.declared(named, place.home))

    return make


def call(place: Place, digest: str, function: str, name: str) -> Any:
    return bundle.load_function(bundle.open_code(place, digest), f"code:{function}")(name)


def test_another_value_of_a_declared_variable_is_another_bundle(
    pack: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    for value in ("1", "10", "", "금액"):
        monkeypatch.setenv("FACTOR", value)
        found.add(pack("FACTOR"))
        assert pack("FACTOR") in found
    assert len(found) == 4
    assert pack() not in found


def test_a_variable_that_is_not_declared_changes_no_bundle(
    pack: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pack("PATH")
    monkeypatch.setenv("FACTOR", "1")
    assert pack("PATH") == before


@pytest.mark.parametrize("function", ["item", "get", "at_import"])
def test_code_sees_the_value_of_its_run_whatever_is_set_later(
    pack: Callable[..., str], place: Place, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    monkeypatch.setenv("FACTOR", "10")
    first = pack("FACTOR")
    monkeypatch.setenv("FACTOR", "1")
    second = pack("FACTOR")
    monkeypatch.delenv("FACTOR")
    assert [call(place, code, function, "FACTOR") for code in (first, second)] == ["10", "1"]


def test_a_model_is_served_with_the_values_of_its_training(
    pack: Callable[..., str], place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACTOR", "10")
    archive = bundle.store_of(place) / f"{pack('FACTOR')}.tar"
    monkeypatch.setenv("FACTOR", "7")
    code = bundle.unpack_file(archive, tmp_path / "service" / "code")
    assert bundle.load_function(code, "code:get")("FACTOR") == "10"


def test_a_default_is_the_value_where_none_is_set(pack: Callable[..., str], place: Place) -> None:
    code = pack({"name": "FACTOR", "default": "3"})
    assert call(place, code, "item", "FACTOR") == "3"


def test_a_declared_variable_that_is_not_set_is_told(pack: Callable[..., str]) -> None:
    with pytest.raises(InvalidProject, match=r"FACTOR.*is not set(.|\n)*export FACTOR"):
        pack("FACTOR")


@pytest.mark.parametrize("function", ["item", "get", "held"])
def test_reading_a_variable_that_is_set_and_not_declared_is_refused(
    pack: Callable[..., str], place: Place, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    monkeypatch.setenv("HIDDEN_FACTOR", "10")
    with pytest.raises(InvalidProject, match=r"HIDDEN_FACTOR(.|\n)*environment: \[HIDDEN_FACTOR\]"):
        call(place, pack("PATH"), function, "HIDDEN_FACTOR")


def test_what_is_not_declared_is_not_seen_by_going_round(
    pack: Callable[..., str], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIDDEN_FACTOR", "10")
    code = pack()
    assert call(place, code, "copied", "HIDDEN_FACTOR") == (None, None, 0)
    assert call(place, code, "expanded", "HIDDEN_FACTOR") == "$HIDDEN_FACTOR"


def test_a_variable_that_is_set_nowhere_is_absent_as_ever(
    pack: Callable[..., str], place: Place
) -> None:
    code = pack()
    assert call(place, code, "get", "NOWHERE") == "default"
    assert call(place, code, "held", "NOWHERE") is False
    with pytest.raises(KeyError):
        call(place, code, "item", "NOWHERE")


def test_code_outside_of_bundles_sees_its_environment_as_it_was(
    pack: Callable[..., str], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("HIDDEN_FACTOR", "10")
    call(place, pack(), "get", "PATH")
    assert os.environ["HIDDEN_FACTOR"] == os.getenv("HIDDEN_FACTOR") == "10"
    assert dict(os.environ)["HIDDEN_FACTOR"] == "10"


STEP = """
import os, sys
from pathlib import Path
from mizzen.adapters import bundle
from mizzen.core.place import Place
bundle.own_process()
code = bundle.open_code(Place.from_environment(os.environ), sys.argv[1])
print([bundle.load_function(code, "code:of_a_program")(name) for name in sys.argv[2:]])
"""


def test_a_program_that_a_step_s_code_starts_sees_no_more_than_the_code(
    pack: Callable[..., str], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIDDEN_FACTOR", "10")
    monkeypatch.setenv("FACTOR", "2")
    digest = pack("FACTOR")
    for name, value in place.to_environment().items():
        monkeypatch.setenv(name, value)
    words = [sys.executable, "-c", STEP, digest, "HIDDEN_FACTOR", "FACTOR"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['None', '2']"


SECRET = {"name": "TOKEN", "secret": True}


def test_a_secret_is_in_the_digest_and_in_no_file(
    pack: Callable[..., str], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    first = pack(SECRET)
    assert pack(SECRET) == first
    assert call(place, first, "item", "TOKEN") == "hunter2"
    monkeypatch.setenv("TOKEN", "hunter3")
    assert pack(SECRET) != first
    files = [file for file in place.home.rglob("*") if file.is_file()]
    assert files
    assert not any(b"hunter" in file.read_bytes() for file in files)
    assert (place.home / "secrets.salt").stat().st_mode & 0o077 == 0


def test_the_same_secret_has_another_digest_elsewhere(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    variables = [Variable.model_validate(SECRET)]
    kept = [bundle.declared(variables, tmp_path / name) for name in ("a", "b")]
    assert len({json.loads(one)["TOKEN"]["secret"] for one in kept}) == 2


def test_a_run_is_not_resumed_with_another_secret_than_it_was_submitted_with(
    pack: Callable[..., str], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    code = pack(SECRET)
    monkeypatch.setenv("TOKEN", "hunter3")
    with pytest.raises(InvalidProject, match="another one than when the run was submitted"):
        bundle.check_secrets(bundle.open_code(place, code), place.home)
    monkeypatch.delenv("TOKEN")
    with pytest.raises(InvalidProject, match=r"TOKEN.*is not set"):
        bundle.check_secrets(bundle.open_code(place, code), place.home)


def test_a_view_s_code_is_another_with_another_value_of_a_declared_variable(
    pack: Callable[..., str], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    for value in ("1", "10"):
        monkeypatch.setenv("FACTOR", value)
        found.add(bundle.code_of(bundle.open_code(place, pack("FACTOR")), "code:get"))
    assert len(found) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "A", "secret": True, "default": "x"},
        {"name": "MIZZEN_HOME"},
        {"name": "A-B"},
        {"name": "A=B"},
        {"name": ""},
        {"name": "A", "value": "x"},
        1,
    ],
)
def test_what_declares_no_variable_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Variable.model_validate(wrong)


def test_what_tells_of_the_machine_is_seen_undeclared() -> None:
    assert all(map(is_of_machine, ("PATH", "HOME", "CUDA_VISIBLE_DEVICES", "AWS_REGION", "LC_ALL")))
    assert not any(map(is_of_machine, ("FACTOR", "DEBUG", "API_TOKEN", "PATHS")))


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that one test's code was told reaches another's."""
    monkeypatch.setattr(bundled, "_seen", {})


def test_the_reference_lists_what_is_seen_undeclared() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "environment.md"
    text = page.read_text(encoding="utf-8").partition("What code of a project sees")[2]
    assert all(f"`{name}`" in text for name in MACHINE)
    assert all(f"`{name}...`" in text for name in MACHINE_PREFIXES)
