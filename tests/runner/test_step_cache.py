"""What is computed again and what is not, and that stored results can be trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mizzen.adapters.cache import StepCache
from mizzen.adapters.cache.imports import imports_of
from mizzen.adapters.cache.sources import Sources
from mizzen.core.plan import Constant, Output, Task
from mizzen.core.runs import RunState
from mizzen.errors import InvalidProject
from mizzen.spec.profile import Profile

from .conftest import RunnerHarness, executed, states

STEPS = """
    from pathlib import Path
    import helper

    def first(*, number: int, table: Path) -> int:
        table.mkdir()
        (table / "rows.txt").write_text(str(number))
        return number

    def second(*, table: Path, total: Path) -> int:
        total.write_text(helper.shout((table / "rows.txt").read_text()))
        return 1
"""
HELPER = "def shout(text):\n    return text + '!'\n"


@pytest.fixture
def steps(harness: RunnerHarness) -> RunnerHarness:
    harness.write("pair", STEPS)
    harness.write("helper", HELPER)
    return harness


def pair(number: int = 1, **options: Any) -> list[Task]:
    first = Task(
        "first",
        "pair:first",
        {"number": Constant(number)},
        figures=("Output",),
        artifacts=("table",),
        **options,
    )
    table = {"table": Output("first", "table")}
    second = Task("second", "pair:second", table, ("table",), ("Output",), ("total",))
    return [first, second]


def rerun(harness: RunnerHarness, tasks: list[Task], **options: Any) -> list[str]:
    """Steps that a second run executes."""
    outcome = harness.run(tasks, "again", **options)
    assert outcome.state is RunState.SUCCEEDED
    return executed(harness.events)


def objects(harness: RunnerHarness) -> list[Path]:
    return sorted((harness.home / "cache" / "objects").iterdir())


def test_an_unchanged_run_executes_nothing_and_tells_the_same_figures(steps: RunnerHarness) -> None:
    before = steps.run(pair())
    assert rerun(steps, pair()) == []
    after = steps.run(pair(), "third")
    assert states(after) == {"first": "cached", "second": "cached"}
    for name, event in before.steps.items():
        assert after.steps[name].figures == event.figures
    assert after.steps["second"].artifacts["total"].read_text() == "1!"
    assert after.steps["first"].parameters == {"number": 1}


def test_another_parameter_executes_what_depends_on_it(steps: RunnerHarness) -> None:
    steps.run(pair(1))
    assert rerun(steps, pair(2)) == ["first", "second"]


def test_the_same_content_from_another_step_stops_the_change(steps: RunnerHarness) -> None:
    steps.run(pair(1))
    assert rerun(steps, pair(1, environment={"COLOUR": "red"})) == ["first"]


def test_an_edited_helper_executes_again(steps: RunnerHarness) -> None:
    steps.run(pair())
    steps.write("helper", HELPER.replace("'!'", "'??'"))
    assert rerun(steps, pair()) == ["first", "second"]
    assert steps.run(pair(), "third").steps["second"].artifacts["total"].read_text() == "1??"


def test_a_touched_file_does_not_execute_again(steps: RunnerHarness) -> None:
    steps.run(pair())
    os.utime(steps.modules / "helper.py", (1, 1))
    assert rerun(steps, pair()) == []


def test_another_version_of_a_declared_library_executes_again(
    steps: RunnerHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mizzen.adapters.cache import key

    info = steps.modules / "acme_lib-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-lib\nVersion: 1.0\n")
    tasks = pair(environment={"MIZZEN_LIBRARIES": "acme-lib"})
    steps.run(tasks)
    key._version.cache_clear()
    assert rerun(steps, tasks) == []
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-lib\nVersion: 2.0\n")
    key._version.cache_clear()
    assert rerun(steps, tasks) == ["first"]


@pytest.mark.parametrize("keep_times", [False, True])
def test_an_output_changed_behind_our_back_is_not_used(
    steps: RunnerHarness, keep_times: bool
) -> None:
    outcome = steps.run(pair())
    file = outcome.steps["first"].artifacts["table"] / "rows.txt"
    status = file.stat()
    file.chmod(0o644)
    file.write_text("9")
    if keep_times:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert rerun(steps, pair()) == ["first"]
    again = steps.run(pair(), "third")
    assert (again.steps["first"].artifacts["table"] / "rows.txt").read_text() == "1"


def test_an_output_removed_behind_our_back_is_made_again(steps: RunnerHarness) -> None:
    steps.run(pair())
    for folder in objects(steps):
        if (folder / "content").is_dir():
            (folder / "content" / "rows.txt").unlink()
    assert rerun(steps, pair()) == ["first"]


def test_a_torn_entry_is_a_miss(steps: RunnerHarness) -> None:
    steps.run(pair())
    for file in (steps.home / "cache" / "steps").glob("*.json"):
        file.write_text(file.read_text()[:20])
    assert rerun(steps, pair()) == ["first", "second"]


def test_a_stamp_of_another_boot_is_not_believed(steps: RunnerHarness) -> None:
    steps.run(pair())
    for folder in objects(steps):
        stamp = folder / "stamp.json"
        stamp.write_text(stamp.read_text().replace(_boot(), "another-boot"))
    assert rerun(steps, pair()) == [], "hashed again, and found whole"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_step_may_opt_out(steps: RunnerHarness) -> None:
    tasks = pair(cache=False)
    steps.run(tasks)
    assert rerun(steps, tasks) == ["first"]


def test_without_the_cache_everything_runs_and_is_known_afterwards(steps: RunnerHarness) -> None:
    steps.run(pair())
    assert rerun(steps, pair(), cache=False) == ["first", "second"]
    steps.run(pair(), "third")
    assert executed(steps.events) == []


def test_a_failed_step_is_not_remembered(harness: RunnerHarness) -> None:
    harness.write("fails", "def run():\n    raise ValueError('no')\n")
    for run_id in ("one", "two"):
        assert harness.run([Task("fails", "fails:run")], run_id).state is RunState.FAILED
        assert executed(harness.events) == ["fails"]


def test_two_runs_at_once_compute_the_same_step_once(harness: RunnerHarness) -> None:
    harness.write(
        "counted",
        """
        import time
        from pathlib import Path

        def run(*, marks: str) -> int:
            time.sleep(0.5)
            Path(marks, str(time.monotonic_ns())).touch()
            return 1
        """,
    )
    marks = harness.home / "marks"
    marks.mkdir(parents=True)
    inputs = {"marks": Constant(str(marks))}
    tasks = [Task("counted", "counted:run", inputs, figures=("Output",))]
    both = [harness.apart(tasks, run_id) for run_id in ("one", "two")]
    assert [runner.communicate(timeout=60)[0].strip() for runner in both] == ["succeeded"] * 2
    assert len(list(marks.iterdir())) == 1
    assert not list((harness.home / "cache" / "locks").iterdir())


def test_two_equal_steps_of_one_run_are_computed_once(wide: RunnerHarness) -> None:
    wide.write("alone", "def run(*, n: int) -> int:\n    return n\n")
    inputs = {"n": Constant(1)}
    tasks = [Task(f"t{n}", "alone:run", inputs, figures=("Output",)) for n in range(2)]
    wide.run(tasks)
    assert len(executed(wide.events)) == 1


def test_pruning_removes_what_no_run_used_and_keeps_the_runs_outputs(steps: RunnerHarness) -> None:
    outcome = steps.run(pair())
    cache = StepCache(steps.home)
    kept = cache.prune(timedelta(days=1))
    assert (kept.entries, kept.objects) == (0, 0)
    gone = cache.prune(timedelta(0))
    assert (gone.entries, gone.objects) == (2, 2)
    assert gone.bytes > 0
    assert outcome.steps["second"].artifacts["total"].read_text() == "1!"
    assert rerun(steps, pair()) == ["first", "second"]


def test_a_full_disk_is_a_clear_error_and_leaves_no_half_entry(
    harness: RunnerHarness, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs more rights than this user has")
    try:
        harness.write(
            "fills",
            """
            def run(*, size: int, out) -> int:
                with out.open("wb") as file:
                    for _ in range(size):
                        file.write(bytes(1 << 20))
                return size
            """,
        )
        harness.place = type(harness.place)("test", small, harness.place.profile)
        inputs = {"size": Constant(64)}
        task = Task("fills", "fills:run", inputs, figures=("Output",), artifacts=("out",))
        outcome = harness.run([task])
        error = outcome.steps["fills"].error or {}
        assert outcome.state is RunState.FAILED
        assert (error["error"], error["message"]) == (
            "UserError",
            "no space is left on the device",
        )
        assert not list((small / "cache" / "steps").iterdir())
        assert not list((small / "cache" / "objects").iterdir())
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_deciding_that_nothing_changed_imports_no_heavy_library(steps: RunnerHarness) -> None:
    steps.write("pair", "import pandas  # heavy\n" + STEPS.replace("\n    ", "\n"))
    tasks = pair(environment={"MIZZEN_LIBRARIES": "pandas"})
    steps.run(tasks)
    probe = (
        "import sys; sys.argv = sys.argv[1:]\n"
        "exec(sys.argv[0])\n"
        "print(sorted({'pandas', 'kfp', 'pair', 'numpy'} & set(sys.modules)))"
    )
    runner = steps.apart(tasks, "second")
    assert runner.communicate(timeout=60)[0].strip() == "succeeded"
    driver = Path(runner.args[-1])  # type: ignore[index]
    from .conftest import DRIVER

    done = subprocess.run(
        [sys.executable, "-c", probe, DRIVER, str(driver)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["succeeded", "[]"]


def test_the_closure_of_a_step_follows_imports_of_every_form(harness: RunnerHarness) -> None:
    package = harness.modules / "parcel"
    (package / "inner").mkdir(parents=True)
    for name, text in {
        "__init__": "def unused():\n    from parcel import never\n",
        "step": "from . import near\nfrom .inner import deep\ndef f():\n    import parcel.late\n",
        "near": "import importlib\nimportlib.import_module('parcel.named')\n",
        "late": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import parcel.typed\n",
        "inner/__init__": "",
        "inner/deep": "from ..sibling import value\n",
        "sibling": "value = 1\n",
        **dict.fromkeys(("never", "typed", "named"), ""),
    }.items():
        (package / f"{name}.py").write_text(text)
    reached = set(Sources(harness.home / "memo.json")._closure("parcel.step"))
    assert reached == {
        "parcel",
        "parcel.step",
        "parcel.near",
        "parcel.named",
        "parcel.late",
        "parcel.inner",
        "parcel.inner.deep",
        "parcel.sibling",
    }


def test_the_closure_reaches_the_back_ends_that_a_step_loads() -> None:
    source = b"from mizzen.adapters import backends\nbackends.load_backend('data_versions', n)\n"
    found = imports_of(source, "m", False)
    assert "mizzen.adapters.dvc.versions" in found.inner


def test_a_step_module_that_does_not_exist_fails_the_step(harness: RunnerHarness) -> None:
    outcome = harness.run([Task("gone", "no_such_module:run")])
    assert "no module no_such_module" in str(outcome.steps["gone"].error)
    with pytest.raises(InvalidProject):
        Sources(harness.home / "memo.json").digest("no_such_module")


SERVING = {"MIZZEN_SERVICES": "tracking,data_store"}


def moved(harness: RunnerHarness, **sections: dict[str, Any]) -> None:
    """The same home under a profile with other addresses."""
    stated = harness.place.profile.model_dump(mode="json", by_alias=True)
    for name, fields in sections.items():
        stated[name] |= fields
    harness.place = replace(harness.place, profile=Profile.model_validate(stated))


@pytest.mark.parametrize(
    "sections",
    [{"tracking": {"uri": "http://other:5000"}}, {"data_store": {"url": "s3://other"}}],
    ids=["registry", "data store"],
)
def test_a_step_that_talks_to_a_service_runs_again_for_another_one(
    steps: RunnerHarness, sections: dict[str, dict[str, Any]]
) -> None:
    tasks = pair(environment=SERVING)
    steps.run(tasks)
    moved(steps, **sections)
    assert rerun(steps, tasks) == ["first"], "the second step declares no service"
    steps.run(tasks, "third")
    assert executed(steps.events) == []


@pytest.mark.parametrize(
    ("sections", "variable"),
    [
        ({"feature_store": {"kind": "postgres"}}, "PGHOST"),
        ({"feature_store": {"kind": "postgres"}}, "PGDATABASE"),
        ({"data_store": {"url": "s3://data"}}, "AWS_ENDPOINT_URL"),
    ],
)
def test_a_step_runs_again_where_the_environment_names_another_server(
    steps: RunnerHarness, monkeypatch: pytest.MonkeyPatch, sections: dict[str, Any], variable: str
) -> None:
    tasks = pair(environment={"MIZZEN_SERVICES": "data_store,feature_store"})
    moved(steps, **sections)
    monkeypatch.setenv(variable, "staging")
    steps.run(tasks)
    monkeypatch.setenv("PGPASSWORD", "of today")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of today")
    assert rerun(steps, tasks) == []
    monkeypatch.setenv(variable, "production")
    assert rerun(steps, tasks) == ["first"], "the second step declares no service"


def test_ports_passwords_and_undeclared_services_execute_nothing_again(
    steps: RunnerHarness,
) -> None:
    moved(steps, tracking={"uri": "http://me:old@host:5000/x"})
    tasks = pair(environment=SERVING)
    steps.run(tasks)
    moved(steps, tracking={"uri": "http://me:new@host:5000/x", "port": 1, "runs": False})
    moved(steps, serving={"port": 1}, metrics={"pushgateway": "http://push"})
    assert rerun(steps, tasks) == []


def test_a_service_that_no_profile_knows_fails_the_step(steps: RunnerHarness) -> None:
    outcome = steps.run(pair(environment={"MIZZEN_SERVICES": "trucking"}))
    error = outcome.steps["first"].error or {}
    assert (error["given"], error["allowed"]) == ("trucking", "tracking, data_store, feature_store")


def test_a_result_that_its_step_does_not_stand_by_any_more_is_made_again(
    steps: RunnerHarness,
) -> None:
    steps.write(
        "standing",
        """
        from pathlib import Path

        def holds(place, environment, outputs):
            said = Path(environment["SAID"]).read_text()
            return said == (outputs["table"] / "rows.txt").read_text()
        """,
    )
    said = steps.modules / "said"
    said.write_text("1")
    told = {"environment": {"SAID": str(said)}}
    tasks = pair(environment={"MIZZEN_HOLDS": "standing:holds"})
    steps.run(tasks, "first", **told)
    steps.run(tasks, "second", **told)
    assert executed(steps.events) == []
    said.write_text("2")
    steps.run(tasks, "third", **told)
    assert executed(steps.events) == ["first"]
