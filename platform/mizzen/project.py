"""`mizzen.Project`: everything that Mizzen does with a project, one call each.

The command line and notebooks use this and nothing below it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.control.runs.request import RunRequest
from mizzen.control.timestamps import parse, window
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.runs import RunState, StepEvent
from mizzen.errors import NotFound

if TYPE_CHECKING:
    from mizzen.adapters.cache.store import PruneResult
    from mizzen.adapters.mlflow.pyfunc import PackageModel
    from mizzen.control.check import Finding
    from mizzen.control.controller.round import RoundResult
    from mizzen.control.controller.status import ControllerStatus
    from mizzen.control.demo.script import DemoEvent
    from mizzen.control.doctor import Diagnosis
    from mizzen.control.features.views import NeededView, StaleView
    from mizzen.control.models.register import RegisteredRun
    from mizzen.control.monitoring.labels import LabelResult
    from mizzen.control.monitoring.retrain import RetrainResult
    from mizzen.control.monitoring.tick import TickResult
    from mizzen.control.runs.compare import Comparison
    from mizzen.control.runs.listing import RunSummary
    from mizzen.control.stack.stack import StackStatus
    from mizzen.ports.data import DeclaredView
    from mizzen.state.records import (
        DecisionRecord,
        Promotion,
        RequestRecord,
        RunRecord,
        ServedVersion,
        StepRecord,
        VersionRecord,
        WindowRecord,
    )

OnEvent = Callable[[StepEvent], None]
LabelValue = float | str | bool  # checked against the task; text as the class is written
_POLL_SECONDS = 0.2


class Run:
    """One run, executed in this process or another: its properties are read anew each time."""

    def __init__(self, workspace: Workspace, run_id: str) -> None:
        self._workspace, self._id = workspace, run_id

    def __repr__(self) -> str:
        return f"Run({self.id!r}, {self.state.value})"

    @property
    def id(self) -> str:
        """What names it in every call and command."""
        return self._id

    @property
    def record(self) -> RunRecord:
        """The run as the state has it now; `interrupted` where its process has died."""
        from mizzen.control.runs import finalize

        found = self._workspace.state.runs.get(self._workspace.spec.name, self.id)
        return finalize.detect_interrupted(self._workspace, found)

    @property
    def state(self) -> RunState:
        """Queued, running, or how it ended; `state.ended` says which."""
        return self.record.state

    @property
    def version(self) -> int | None:
        """The model version that it registered; None without one."""
        return self.record.version

    @property
    def steps(self) -> list[StepRecord]:
        """The last event of every step, in the plan's order."""
        return self._workspace.state.runs.steps_of(self._workspace.spec.name, self.id)

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Step -> its outputs that are single values, such as row counts and metrics. Steps without
        one are left out."""
        return {step.name: dict(step.figures) for step in self.steps if step.figures}

    def follow(self) -> Iterator[StepRecord]:
        """Each change of each step as it comes, until the run has ended."""
        from mizzen.control.runs import finalize

        name, state = self._workspace.spec.name, self._workspace.state
        for change in state.runs.follow(name, self.id):
            if change is None:  # a quiet moment: does its process still live?
                finalize.detect_interrupted(self._workspace, state.runs.get(name, self.id))
            elif change.step is not None:
                yield change.step

    def wait(self, seconds: float | None = None) -> Run:
        """Return when the run has ended, whether it succeeded or not; see `check`.

        Args:
            seconds: how long to wait; without end when absent.

        Raises:
            TimeoutError: it had not ended after `seconds`.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while not self.state.ended:
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"run {self.id} is {self.state.value} after {seconds} s")
            time.sleep(_POLL_SECONDS)
        return self

    def check(self) -> Run:
        """The run itself if it succeeded.

        Raises:
            StepFailed: it failed, was cancelled or interrupted, or has not ended. Of a failure it
                says what the failed step says, then where its log is.
        """
        record = self.record
        if record.state is RunState.SUCCEEDED:
            return self
        from mizzen.control.runs.finalize import failure

        raise failure(record)

    def logs(self, step: str) -> str:
        """What a step printed, all attempts in order.

        Raises:
            NotFound: the run's folder is on another machine.
        """
        from mizzen.control.runs.submit import runner_of

        folder = Path(self.record.folder)
        if not folder.exists():
            raise NotFound(
                f"the folder of run {self.id} is not on this machine",
                given=folder,
                next_step="read its logs where it ran",
            )
        return runner_of(self._workspace).logs(folder, step)


class Project:
    """A project opened in one place (a profile)."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @classmethod
    def open(cls, path: str | os.PathLike[str] = ".", profile: str = "local") -> Project:
        """The project whose `mizzen.yaml` is in the folder `path`.

        Args:
            profile: where it runs: `profiles/<profile>.yaml` of that folder.

        Raises:
            InvalidProject: mizzen.yaml or the profile is missing or wrong; names file, line and
                field.
        """
        return cls(open_workspace(Path(path), profile))

    def __repr__(self) -> str:
        return f"Project({self.name!r}, folder={str(self.folder)!r})"

    @property
    def name(self) -> str:
        """The project's name."""
        return self._workspace.spec.name

    @property
    def folder(self) -> Path:
        """The folder that holds mizzen.yaml."""
        return self._workspace.folder

    @property
    def workspace(self) -> Workspace:
        """What front doors pass on to `mizzen.control`; no part of the API for notebooks."""
        return self._workspace

    def check(
        self, *, data: bool = False, images: bool = False, sbom: Path | None = None
    ) -> list[Finding]:
        """What was checked of the project, and what is wrong with it; trains nothing.

        Args:
            data: also load its source and check its rows.
            images: also check that a cluster's images hold what its steps import.
            sbom: the list (CycloneDX as JSON) of a custom image, to check instead.
        """
        from mizzen.control.check import check

        return check(self._workspace, data, images, sbom)

    def run(
        self,
        *,
        set: Mapping[str, Any] | None = None,  # noqa: A002 (the option's name)
        start: str | None = None,
        end: str | None = None,
        title: str = "",
        cache: bool = True,
        on_event: OnEvent | None = None,
    ) -> Run:
        """Train in this process, until the run has ended.

        Args:
            set: dotted field of mizzen.yaml -> value, for this run only, such as
                `{"trainer.parameters.learning_rate": 0.05}`.
            start: first instant of the window of event times; all rows before `end` when absent.
            end: instant at which the window ends; all rows from `start` on when absent.
            title: what lists of runs show.
            cache: False executes every step again.
            on_event: called with each change of each step.

        Raises:
            UserError: nothing was started: the project, its data's place, the window or the
                machine does not fit. A failed step is no error here: see `Run.check`.
        """
        from mizzen.control.runs.submit import execute, prepare

        request = self._request(set, start, end, title, cache)
        run = execute(prepare(self._workspace, request, _now()), on_event)
        return Run(self._workspace, run.id)

    def submit(
        self,
        *,
        set: Mapping[str, Any] | None = None,  # noqa: A002
        start: str | None = None,
        end: str | None = None,
        title: str = "",
        cache: bool = True,
    ) -> Run:
        """Train in a process of its own, which outlives this one, and return at once. Arguments and
        errors as those of `run`."""
        from mizzen.control.runs.submit import execute_detached, prepare

        request = self._request(set, start, end, title, cache)
        run = execute_detached(prepare(self._workspace, request, _now()))
        return Run(self._workspace, run.id)

    def runs(
        self,
        limit: int = 50,
        *,
        sort: str | None = None,
        best: int | None = None,
        state: str | None = None,
        verdict: str | None = None,
    ) -> list[RunSummary]:
        """Runs with what they measured and what they changed, newest first.

        Args:
            limit: how many; sorting and filtering look through the newest 10,000.
            sort: a metric; the best runs first, those without a value of it last.
            best: how many of the best, by `sort` or the primary metric; instead of `limit`.
            state: only runs in this state, such as `succeeded`.
            verdict: only runs whose model was `blessed`, `held`, or the `same` as one before.

        Raises:
            UserError: no such metric, state or verdict; those that there are are named.
        """
        from mizzen.control.runs.listing import list_runs, query

        return list_runs(self._workspace, query(limit, sort, best, state, verdict))

    def run_info(self, run_id: str) -> Run:
        """A run by its id, or by an unambiguous beginning of it.

        Raises:
            NotFound: no such run, or several.
        """
        return Run(self._workspace, self._workspace.state.runs.get(self.name, run_id).id)

    def logs(self, run_id: str, step: str) -> str:
        """What a step of a run printed; see `Run.logs`."""
        return self.run_info(run_id).logs(step)

    def resume(self, run_id: str, *, on_event: OnEvent | None = None) -> Run:
        """Resume a failed, cancelled or interrupted run in this process, after its last finished
        step, until it has ended.

        Raises:
            Conflict: it succeeded, or a process executes it.
            NotFound: no such run.
        """
        from mizzen.control.runs.submit import execute, prepare_resume

        return Run(self._workspace, execute(prepare_resume(self._workspace, run_id), on_event).id)

    def cancel(self, run_id: str) -> Run:
        """Stop a run. On this machine, returns once no step of it runs; on another, its driver
        writes nothing from now on and stops its steps when it next renews its lease.

        Raises:
            Conflict: it has ended already.
            NotFound: no such run.
        """
        from mizzen.control.runs.submit import cancel

        return Run(self._workspace, cancel(self._workspace, run_id).id)

    def models(self) -> list[VersionRecord]:
        """Every registered version with the gate's verdict, oldest first."""
        return self._workspace.state.models.all_versions(self.name)

    def champion(self) -> Promotion | None:
        """The promotion that made the champion; None before the first."""
        return self._workspace.state.models.champion(self.name)

    def promotions(self) -> list[Promotion]:
        """The history of champions, oldest first."""
        return self._workspace.state.models.history(self.name)

    def evaluations(self, version: int) -> list[Run]:
        """The runs that ended in a version, oldest first: the one that registered it, and each that
        trained the same model again."""
        runs = self._workspace.state.runs.with_version(self.name, version)
        return [Run(self._workspace, record.id) for record in runs[::-1]]

    def promote(self, version: int, *, reason: str = "", force: bool = False) -> Promotion:
        """Make a version the champion; registry and service follow. An older version is a rollback,
        after which alarms and schedules retrain nothing until `lift_freeze`.

        Args:
            reason: kept in the history.
            force: also a version that the gate held; needs a `reason`.

        Raises:
            NotFound: no such version.
            Conflict: the gate held it, and `force` is not set.
            UserError: `force` without a reason.
        """
        from mizzen.control.models.promote import promote

        return promote(self._workspace, version, reason=reason, force=force)

    def register(self, run_id: str, *, promote: bool = False, reason: str = "") -> RegisteredRun:
        """Make a version of what a finished run trained, also where the gate held it; the same
        model again is the version that it is.

        Args:
            promote: make it the champion, whatever the gate said; needs a `reason`.

        Raises:
            UserError: `promote` without a reason.
            Conflict: the run has not ended, or measured no model.
            NotFound: no such run, or what it made is gone.
            Unsupported: what it made is on another machine.
        """
        from mizzen.control.models.register import register_run

        return register_run(self._workspace, run_id, _now(), promoted=promote, reason=reason)

    def compare(self, *given: int | str) -> Comparison:
        """Two or more versions (numbers) or runs (ids) side by side, what differs only.

        Raises:
            UserError: fewer than two.
            NotFound: no such run or version.
        """
        from mizzen.control.runs.compare import compare_runs, compare_versions

        numbers = [number for number in given if isinstance(number, int)]
        if len(numbers) == len(given):
            return compare_versions(self._workspace, numbers)
        return compare_runs(self._workspace, [str(name) for name in given])

    def package(
        self, version: int | None = None, into: Path | None = None, onnx: bool = False
    ) -> Path:
        """A version (the champion) as a Bento that runs in an empty environment; its folder.

        Args:
            into: the folder to put it in; one of the home when absent.
            onnx: export a torch model to ONNX first, so that the Bento needs no torch.

        Raises:
            NotFound: no such version, or no champion.
            Unsupported: `onnx`, and it is no torch model, or one that ONNX cannot express.
        """
        from mizzen.control.models.deploy import package

        return package(self._workspace, version, into, onnx)

    def load_model(self, version: int | None = None) -> PackageModel:
        """A version (the champion) in this process, compared with what was registered.

        `.predict(frame)` takes a DataFrame with a column for each feature, and returns an array of
        floats in the order of its rows: a probability (binary), a number (regression), or a row of
        probabilities, one for each class (multiclass).

        Raises:
            NotFound: no such version, or no champion.
            IntegrityError: the stored package is not the one that was registered.
        """
        from mizzen.control.models.deploy import load_model

        return load_model(self._workspace, version)

    def export_onnx(self, version: int | None = None) -> int:
        """Register a version's (the champion's) ONNX variant, so that an image without torch
        can serve it; returns the number. Doing so again changes nothing.

        Raises:
            NotFound: no such version, or no champion.
            Unsupported: no torch model, or one that ONNX cannot express.
            IntegrityError: the exported model answers differently; nothing is registered.
        """
        from mizzen.control.models.deploy import export_onnx

        return export_onnx(self._workspace, version)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The running service's answer to these rows, as the service gave it.

        Args:
            rows: each a mapping of the request's fields to values.

        Raises:
            NotFound: no service runs.
            InvalidData: the service refused a row; the error has its words.
            TemporaryError: the service is busy or starting.
        """
        from mizzen.control.models.predictions import predict

        return predict(self._workspace, rows)

    def predict_batch(
        self,
        *,
        version: int | None = None,
        start: str | None = None,
        end: str | None = None,
        on_event: OnEvent | None = None,
    ) -> Run:
        """Predict the rows of a window with one version (the champion), without a service: by
        that version's own description and code, on the project's present data. Returns when the
        run has ended; `start` and `end` as of `run`.

        Raises:
            NotFound: no such version, or no champion.
        """
        from mizzen.control.models.deploy import batch_request
        from mizzen.control.runs.submit import execute, prepare

        submitted = batch_request(self._workspace, version, *window(start, end))
        run = execute(prepare(*submitted, _now()), on_event)
        return Run(self._workspace, run.id)

    def replay(
        self, *, start: str, end: str, service: str | None = None, on_event: OnEvent | None = None
    ) -> dict[str, Any]:
        """Send past rows to a service as they came, features and labels too; the counts, and one
        request as `example`.

        Args:
            start: first instant of the window of event times.
            end: instant at which the window ends.
            service: its address; that of what `up` started when absent.

        Raises:
            NotFound: no service runs.
            StepFailed: the rows or their features could not be made.
        """
        from mizzen.control.demo.replay_traffic import replay

        first, last = parse(start, "--from"), parse(end, "--until")
        return replay(self._workspace, first, last, _now(), on_event, service)

    def label(self, prediction_id: str, value: LabelValue, at: str | None = None) -> LabelResult:
        """Keep what a prediction turned out to be.

        Args:
            at: when that became known, ISO 8601 with a zone; now when absent.

        Raises:
            InvalidData: the task knows no such label, or `at` cannot be.
            NotFound: no logged prediction has this id.
        """
        kept = self.label_many([(prediction_id, value, at)])
        if kept.unknown:
            raise NotFound(
                "no logged prediction has this id",
                given=prediction_id,
                allowed="a prediction_id in an answer of this project's service",
                next_step="mizzen predict shows it in each answer",
            )
        return kept

    def label_many(self, labels: Sequence[tuple[str, LabelValue, str | None]]) -> LabelResult:
        """Labels as (prediction id, value, instant at which it became known, or None). Those of
        logged predictions are kept; the ids of the others are in the result.

        Raises:
            InvalidData: some cannot be taken, each named by row, id and value; none is kept.
        """
        from mizzen.control.monitoring.labels import add_labels
        from mizzen.core.true_labels import GivenLabel

        given = [
            GivenLabel(name, value, at, f"row {number}")
            for number, (name, value, at) in enumerate(labels, start=1)
        ]
        return add_labels(self._workspace, given)

    def drift(self, *, until: str | None = None) -> TickResult:
        """Judge drift and quality of the champion in the windows that end at `until` (now); store
        what was found. Alarms are not answered; see `tick`.

        Raises:
            NotFound: no champion.
            UserError: `until` has not come yet.
        """
        from mizzen.control.monitoring.tick import inspect

        return inspect(self._workspace, parse(until, "--until") if until else _now())

    def tick(self, *, until: str | None = None, on_event: OnEvent | None = None) -> TickResult:
        """What the controller does, once: resume retrainings, answer the schedule and stored
        requests, judge the windows that are due, and answer alarms, until all runs of that have
        ended.

        Raises:
            NotFound: no champion, nor anything that trains one.
            UserError: `until` has not come yet.
        """
        from mizzen.control.monitoring.tick import tick

        return tick(self._workspace, parse(until, "--until") if until else _now(), on_event)

    def windows(self) -> list[WindowRecord]:
        """What was found in each window of drift and of quality, oldest first."""
        return self._workspace.state.monitoring.all_windows(self.name)

    def pending_alarms(self) -> list[WindowRecord]:
        """Alarms about the champion that no decision answered yet, oldest first."""
        return self._workspace.state.monitoring.pending_alarms(self.name)

    def newest_quality(self) -> WindowRecord | None:
        """The window of quality that ended last; None before the first."""
        found = self._workspace.state.monitoring.newest_windows(self.name, 1, kind="quality")
        return found[0] if found else None

    def decisions(self) -> list[DecisionRecord]:
        """Every decision of the guard about retraining, refusals too, oldest first."""
        return self._workspace.state.monitoring.all_decisions(self.name)

    def retrain(
        self,
        *,
        cause: str = "person",
        key: str | None = None,
        until: str | None = None,
        on_event: OnEvent | None = None,
    ) -> RetrainResult:
        """Ask the guard for a retraining on the newest window, and do it if it allows.

        Args:
            cause: drift, quality, data, schedule, merge or person.
            key: idempotency key of the event that asks; one key never starts two runs.
            until: end of the window. Without it a person trains on all rows; for other causes
                it is now.

        Raises:
            UserError: no such cause, or `until` has not come yet.
        """
        from mizzen.control.monitoring.retrain import retrain
        from mizzen.control.monitoring.tick import request_of
        from mizzen.control.timestamps import refuse_future

        now = parse(until, "--until") if until else _now()
        refuse_future(now)
        request = request_of(cause, key, now)
        all_rows = cause == "person" and not until
        return retrain(self._workspace, request, now, all_rows=all_rows, on_event=on_event)

    def request_retraining(
        self, cause: str = "person", key: str | None = None, reason: str = ""
    ) -> RequestRecord:
        """Store an event that asks for a retraining, and return: the next round of the controller,
        or the next tick, answers it through the guard.

        Args:
            cause: merge, data, schedule or person.
            key: idempotency key of the event, such as a commit's hash. The same key again is the
                same request, with its decision once there is one. A person needs none.
            reason: kept with the request.

        Raises:
            UserError: no key, or one that was used for another cause.
        """
        from mizzen.control.monitoring.triggers import request

        return request(self._workspace, cause, key, reason, _now())

    def retraining_requests(self, limit: int = 50) -> list[RequestRecord]:
        """The newest stored requests, the last one first, each with its decision."""
        return self._workspace.state.triggers.requests(self.name, limit)

    def reset_breaker(self) -> DecisionRecord:
        """Allow retraining again after it failed several times in a row."""
        from mizzen.control.monitoring.retrain import reset_breaker

        return reset_breaker(self._workspace, _now())

    def lift_freeze(self) -> DecisionRecord:
        """Let alarms and schedules retrain again after a rollback."""
        from mizzen.control.monitoring.retrain import lift_freeze

        return lift_freeze(self._workspace, _now())

    def serve(
        self,
        version: int | None = None,
        port: int | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> int:
        """Serve a version (the champion) in the foreground, until interrupted; the service's exit
        status.

        Args:
            port: that of the profile when absent; 0 takes a free one.
            tell: called with the address before the service starts.

        Raises:
            NotFound: no such version, or no champion.
            Conflict: the port is taken.
        """
        from mizzen.control.models.deploy import serve

        return serve(self._workspace, version, port, tell)

    def up(self, tell: Callable[[str], None] | None = None) -> StackStatus:
        """Start the tracking page, the champion's service and the controller.

        Args:
            tell: called with what is waited for, whenever that changes.

        Raises:
            Conflict: a port is taken.
        """
        from mizzen.control.stack.stack import up

        return up(self._workspace, tell)

    def down(self) -> bool:
        """Stop what `up` started; whether there was anything."""
        from mizzen.control.stack.stack import down

        return down(self._workspace)

    def status(self) -> StackStatus:
        """What of the project runs on this machine now."""
        from mizzen.control.stack.stack import status

        return status(self._workspace)

    def controller(self, tell: Callable[[str], None]) -> None:
        """Run the controller in the foreground, until SIGTERM or Ctrl-C.

        Args:
            tell: called with one line about whatever it does or meets.
        """
        from mizzen.control.controller.loop import run_controller

        run_controller(self._workspace, tell)

    def controller_round(self, tell: Callable[[str], None]) -> RoundResult | None:
        """One round of the controller, and the drift job where it is due, until that has ended;
        None where another process leads.

        Args:
            tell: called with one line about whatever it does or meets.

        Raises:
            TemporaryError: the state is away.
        """
        from mizzen.control.controller.loop import run_once

        return run_once(self._workspace, tell)

    def controller_status(self) -> ControllerStatus:
        """Which controller leads, what it did last and what it waits for."""
        from mizzen.control.controller.status import controller_status

        return controller_status(self._workspace)

    def served(self) -> ServedVersion | None:
        """The version that `mizzen up` serves, on any machine that shares this state; None where
        none is served."""
        return self._workspace.state.monitoring.served(self._workspace.spec.name)

    def reconcile(self) -> list[str]:
        """Make registry and service follow the champion; what was done, in words."""
        from mizzen.control.models.reconcile import reconcile

        return reconcile(self._workspace)

    def prune_cache(self, older_than: str = "30d") -> PruneResult:
        """Remove cached results that no run used for so long; what was removed. Runs and
        versions keep their files, so space that they share with the cache stays taken.

        Args:
            older_than: a whole number with a unit: s, m, h or d.
        """
        from mizzen.adapters.cache.store import StepCache
        from mizzen.spec.duration import read_duration

        length = read_duration(older_than, "--older-than")
        return StepCache(self._workspace.place.home).prune(length)

    def feature_versions(self) -> list[NeededView]:
        """Every version of every feature view that the feature store holds, and who needs it."""
        from mizzen.control.features.views import view_versions

        return view_versions(self._workspace)

    def stale_features(self, version: int | None = None) -> list[StaleView]:
        """The views of a version (the champion) whose values end before those of another
        version of the view, or that the feature store does not hold."""
        from mizzen.control.backends import version_of
        from mizzen.control.features.views import stale_of

        return stale_of(self._workspace, version_of(self._workspace, version))

    def notes_on_features(self, version: int | None = None, fetch: bool = False) -> list[str]:
        """`stale_features` in words; nothing of a version whose package is not here, unless it
        may be fetched."""
        from mizzen.control.features.views import notes

        champion = self.champion() if version is None else None
        number = champion.version if champion else version
        return [] if number is None else notes(self._workspace, number, fetch)

    def refresh_features(self, version: int | None = None) -> list[DeclaredView]:
        """Compute a version's (the champion's) features anew by its own code, and load them
        online; the views, as they are then in the feature store.

        Raises:
            NotFound: no such version, or no champion.
            InvalidProject: a view cannot be computed any more as it was for this version.
            InvalidData: the data does not fit that version's description.
        """
        from mizzen.control.features.refresh import refresh

        return refresh(self._workspace, version, _now())

    def prune_features(self, older_than: str = "30d") -> list[DeclaredView]:
        """Remove the versions of feature views that no registered version needs and that no run
        declared for so long; what was removed.

        Args:
            older_than: a whole number with a unit: s, m, h or d.

        Raises:
            Conflict: a run has not ended: it may be about to register what needs them.
        """
        from mizzen.control.features.views import prune
        from mizzen.spec.duration import read_duration

        length = read_duration(older_than, "--older-than")
        return prune(self._workspace, length, _now())

    def doctor(self) -> list[Diagnosis]:
        """Whether this machine has what the project needs: one diagnosis for each need."""
        from mizzen.control.doctor import examine

        return examine(self._workspace)

    def demo(self, on_step: Callable[[DemoEvent], None] | None = None) -> list[DemoEvent]:
        """Run the project's demo (`demo.yaml`), reusing what did not change.

        Args:
            on_step: called before and after each step.

        Raises:
            InvalidProject: there is no demo.yaml, or it is wrong.
            StepFailed: a run failed, or a step found something else than the demo expects.
        """
        from mizzen.control.demo.script import run_demo

        return run_demo(self._workspace, on_step)

    def _request(
        self,
        overrides: Mapping[str, Any] | None,
        start: str | None,
        end: str | None,
        title: str,
        cache: bool,
    ) -> RunRequest:
        first, last = window(start, end)
        return RunRequest(
            title=title, overrides=overrides or {}, start=first, end=last, cache=cache
        )


def _now() -> datetime:
    return datetime.now(UTC)
