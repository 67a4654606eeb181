"""The code bundle: equal code gives an equal digest, and bundles do not mix."""

from __future__ import annotations

import io
import os
import tarfile
import threading
import traceback
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.bundle import (
    check_members,
    digest_of,
    load_function,
    open_code,
    pack,
    unpack,
    unpack_file,
)
from mizzen.adapters.bundle.members import read_members, write_members
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, InvalidData, InvalidProject, NotFound
from mizzen.spec.profile import Profile
from mizzen_tests.soak import examples

MODEL = """
import helper

def build(x):
    return helper.VALUE + x

def lazy():
    from package.part import name
    import package.part
    return f"{name} {package.part.name}"

def breaks():
    raise ValueError("in the user's code")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "my project"
    (folder / "package").mkdir(parents=True)
    (folder / "model.py").write_text(MODEL)
    (folder / "helper.py").write_text("VALUE = 1\n")
    (folder / "package" / "__init__.py").write_text("")
    (folder / "package" / "part.py").write_text("from .other import name\n")
    (folder / "package" / "other.py").write_text("name = 'part'\n")
    (folder / "mizzen.yaml").write_text("kind: Project\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_times_and_order_do_not_change_the_digest(project: Path, store: Path) -> None:
    before = pack(project, store)
    content = (store / f"{before}.tar").read_bytes()
    for file in project.rglob("*.py"):
        text = file.read_text()
        file.unlink()
        file.write_text(text)
        os.utime(file, (1, 1))
        file.chmod(0o600)
    assert pack(project, store) == before == sha256(content).hexdigest() == digest_of(project)


def test_an_edited_helper_changes_the_digest(project: Path, store: Path) -> None:
    before = pack(project, store)
    (project / "helper.py").write_text("VALUE = 2\n")
    assert pack(project, store) != before


def test_what_is_not_the_projects_code_stays_out(project: Path, store: Path) -> None:
    before = pack(project, store)
    for name in (".mizzen/x.py", ".git/x.py", "__pycache__/x.py", "env/lib/x.py", "data/x.csv"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x = 1\n")
    (project / "env" / "pyvenv.cfg").write_text("")
    assert pack(project, store) == before


def test_a_bundle_opens_as_it_was_packed(project: Path, store: Path, tmp_path: Path) -> None:
    digest = pack(project, store)
    code = unpack(digest, store, tmp_path / "code")
    files = {path.relative_to(code).as_posix() for path in code.rglob("*.py")}
    assert files == {"model.py", "helper.py", *(f"package/{n}.py" for n in _PACKAGE)}
    assert digest_of(code) == digest
    assert unpack_file(store / f"{digest}.tar", tmp_path / "elsewhere").name == digest


_PACKAGE = ("__init__", "part", "other")


def test_a_place_opens_code_by_its_digest(project: Path, tmp_path: Path) -> None:
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    place = Place("test", tmp_path / "home", profile)
    digest = pack(project, place.home / "bundles")
    assert load_function(open_code(place, digest), "model:build")(1) == 2


def test_a_changed_copy_is_opened_anew(project: Path, store: Path, tmp_path: Path) -> None:
    digest = pack(project, store)
    code = unpack(digest, store, tmp_path / "code")
    (code / "helper.py").write_text("VALUE = 666\n")
    assert (unpack(digest, store, tmp_path / "code") / "helper.py").read_text() == "VALUE = 1\n"


def test_several_may_open_the_same_bundle_at_once(
    project: Path, store: Path, tmp_path: Path
) -> None:
    digest, opened = pack(project, store), []
    threads = [
        threading.Thread(target=lambda: opened.append(unpack(digest, store, tmp_path / "code")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [tmp_path / "code" / digest] * 8
    assert [path.name for path in (tmp_path / "code").iterdir()] == [digest]


def test_an_archive_that_was_changed_is_refused(project: Path, store: Path, tmp_path: Path) -> None:
    digest = pack(project, store)
    with (store / f"{digest}.tar").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(IntegrityError, match="does not hash"):
        unpack(digest, store, tmp_path / "code")
    with pytest.raises(NotFound):
        unpack("0" * 64, store, tmp_path / "code")


def tar_of(*members: tarfile.TarInfo, form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return buffer.getvalue()


def member(name: str, **changes: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for field, value in changes.items():
        setattr(made, field, value)
    return made


def endless() -> bytes:
    """A negative size behind a first member sends `tarfile` back to where it was, for ever."""
    sizes = member("b.py", pax_headers={"size": "-1024"})
    return tar_of(member("a.py", size=3), sizes)


FORBIDDEN = {
    "above": tar_of(member("../evil.py")),
    "absolute": tar_of(member("/evil.py")),
    "link": tar_of(member("link.py", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
    "hard link": tar_of(member("a.py"), member("b.py", type=tarfile.LNKTYPE, linkname="a.py")),
    "device": tar_of(member("null", type=tarfile.CHRTYPE)),
    "folder": tar_of(member("folder", type=tarfile.DIRTYPE)),
    "dot": tar_of(member(".")),
    "dots within": tar_of(member("a/./b.py")),
    "two slashes": tar_of(member("a//b.py")),
    "slash at the end": tar_of(member("a.py/")),
    "no name": tar_of(member("")),
    "control character": tar_of(member("a\nb.py")),
    "NUL": tar_of(member("a\0b.py")),
    "NUL in a pax header": tar_of(member("a.py", pax_headers={"path": "a\0b.py"})),
    "not UTF-8": tar_of(member("\udcff.py")),
    "twice": tar_of(member("a.py"), member("a.py")),
    "a file as folder": tar_of(member("a"), member("a/b/c.py")),
    "endless": endless(),
    "sparse": tar_of(member("a.py", pax_headers={"GNU.sparse.size": "9" * 15})),
    "size told twice": tar_of(member("a.py", size=3, pax_headers={"size": "2"})),
    "owner": tar_of(member("a.py", uid=0, uname="root")),
    "time": tar_of(member("a.py", mtime=1)),
    "other format": tar_of(member("b" * 101 + ".py"), form=tarfile.GNU_FORMAT),
    "cut off": tar_of(member("a.py", size=3))[:600],
    "no archive": b"x" * 1024,
    "something behind": tar_of(member("a.py")) + b"x" * 512,
}


@pytest.mark.parametrize("evil", FORBIDDEN.values(), ids=list(FORBIDDEN))
def test_an_archive_that_packing_does_not_give_is_refused(tmp_path: Path, evil: bytes) -> None:
    (tmp_path / "evil.tar").write_bytes(evil)
    with pytest.raises(IntegrityError, match="forbidden member"):
        unpack_file(tmp_path / "evil.tar", tmp_path / "code")
    assert list((tmp_path / "code").iterdir()) == []
    with pytest.raises(InvalidData):
        check_members(evil)


@pytest.mark.soak
@settings(max_examples=examples(200, 20_000), deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_archive_gives_its_own_files_or_none(data: st.DataObject) -> None:
    names = ["a.py", "package/ä.py", "long/" * 30 + "name.py"]
    files = {name: name.encode() * 99 for name in names}
    content = bytearray(write_members(files))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(IntegrityError):
        found = read_members(bytes(content))
        assert write_members(found) == content


def test_a_file_whose_name_cannot_travel_is_refused(project: Path, store: Path) -> None:
    Path(os.fsdecode(os.fsencode(project) + b"/\xff.py")).write_text("x = 1\n")
    with pytest.raises(InvalidProject, match="cannot travel"):
        pack(project, store)


def test_a_link_out_of_the_project_is_refused(project: Path, store: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("x = 1\n")
    (project / "inside.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(InvalidProject, match="leads out of the project"):
        pack(project, store)


def test_equal_module_names_of_two_bundles_never_mix(
    project: Path, store: Path, tmp_path: Path
) -> None:
    old = unpack(pack(project, store), store, tmp_path / "code")
    (project / "helper.py").write_text("VALUE = 100\n")
    (project / "package" / "other.py").write_text("name = 'new'\n")
    new = unpack(pack(project, store), store, tmp_path / "code")
    functions = [load_function(code, "model:build") for code in (old, new)]
    lazy = [load_function(code, "model:lazy") for code in (old, new)]
    assert [function(1) for function in functions] == [2, 101]
    assert [function() for function in lazy] == ["part part", "new new"]


def test_a_project_may_have_modules_named_as_libraries(project: Path) -> None:
    (project / "json.py").write_text("MINE = True\n")
    (project / "model.py").write_text(
        "import json\nimport logging.config\nmine = lambda: json.MINE\n"
    )
    assert load_function(project, "model:mine")() is True
    import json

    assert not hasattr(json, "MINE")


def test_dataclasses_and_types_work_in_a_bundle(project: Path) -> None:
    text = """
from __future__ import annotations
import dataclasses, typing

@dataclasses.dataclass
class Row:
    x: typing.ClassVar[int] = 1
    y: int = 2

def fields():
    return [field.name for field in dataclasses.fields(Row)], typing.get_type_hints(Row)["y"]
"""
    (project / "model.py").write_text(text)
    assert load_function(project, "model:fields")() == (["y"], int)


def test_a_users_traceback_names_file_and_line(project: Path) -> None:
    with pytest.raises(ValueError, match="in the user's code") as caught:
        load_function(project, "model:breaks")()
    text = "".join(traceback.format_exception(caught.value))
    assert f'File "{project}/model.py", line 13, in breaks' in text
    assert 'raise ValueError("in the user\'s code")' in text


@pytest.mark.parametrize(
    ("ref", "message", "allowed"),
    [
        ("model:biuld", "model.py has no function 'biuld'", "breaks, build, lazy"),
        ("modle:build", "no file modle.py in the project", "helper.py, model.py"),
        ("package.prat:x", "no file package/prat.py", "helper.py"),
    ],
)
def test_a_missing_function_tells_what_is_there(
    project: Path, ref: str, message: str, allowed: str
) -> None:
    with pytest.raises(InvalidProject, match=message) as caught:
        load_function(project, ref)
    assert allowed in str(caught.value.allowed)


@pytest.mark.parametrize("text", ["def f(:\n", "import not_installed_at_all\n", "1 / 0\n"])
def test_a_module_that_cannot_be_imported_says_why(project: Path, text: str) -> None:
    (project / "model.py").write_text(text)
    with pytest.raises(InvalidProject, match=r"model.py cannot be imported: \w+Error") as caught:
        load_function(project, "model:build")
    assert caught.value.__cause__ is not None
