"""What the state can be asked: the seam between control and wherever the state is.

Two back ends: `SqlState`, in process over a database, and `HttpState`, over the control API,
which answers with a `SqlState` of its own. One suite holds both. Every write may be repeated: a
caller who never got the answer asks again, and nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from mizzen.core.runs import StepEvent
from mizzen.state.records import (
    About,
    Change,
    DecisionRecord,
    DemoStepRecord,
    Lease,
    LeaseRecord,
    ProjectRecord,
    Promotion,
    RequestRecord,
    RetrainingRecord,
    RunRecord,
    ScheduleRecord,
    ServedVersion,
    StepRecord,
    VersionRecord,
    WindowRecord,
)


class Projects(Protocol):
    """Which projects there are."""

    def ensure(self, name: str, folder: str, now: datetime) -> None:
        """Know this project from now on; everything else refers to it."""
        ...

    def all(self) -> list[ProjectRecord]:
        """Every project, by name."""
        ...


class Runs(Protocol):
    """Runs and their steps."""

    def add(self, record: RunRecord, project_folder: str) -> None:
        """A new run, and its project where that is new.

        Raises:
            Conflict: another run has this id.
        """
        ...

    def change(self, project: str, run_id: str, lease: Lease, **values: Any) -> None:
        """Set fields of a run; whoever drives it may. With a state comes the time of its end: the
        database's, or none.

        Raises:
            NotFound: no such run.
            StaleLease: somebody else drives it by now.
            Conflict: it succeeded, and cannot end otherwise any more.
        """
        ...

    def get(self, project: str, run_id: str) -> RunRecord:
        """A run by its id, or by an unambiguous beginning of it.

        Raises:
            NotFound: no such run, or several; the newest ones are named.
        """
        ...

    def newest_first(self, project: str, limit: int = 50) -> list[RunRecord]:
        """The project's runs."""
        ...

    def unfinished(self, project: str, limit: int = 100) -> list[RunRecord]:
        """The runs that are queued or running, newest first."""
        ...

    def with_version(self, project: str, version: int) -> list[RunRecord]:
        """The runs that ended in this version, newest first."""
        ...

    def record_step(self, project: str, event: StepEvent, position: int, lease: Lease) -> None:
        """Keep the event as the last one of its step; `position` is the step's in the plan.

        Raises:
            NotFound: no such run.
            StaleLease: somebody else drives the run by now.
        """
        ...

    def steps_of(self, project: str, run_id: str) -> list[StepRecord]:
        """The steps of a run, in the plan's order."""
        ...

    def follow(self, project: str, run_id: str, after: int = 0) -> Iterator[Change | None]:
        """What changed after the change `after`, then each change as it comes, until the run
        has ended; None whenever nothing happened for a while.

        Raises:
            NotFound: no such run.
        """
        ...


class Leases(Protocol):
    """Who drives a run or a loop. Expiry goes by the database's clock."""

    def acquire(
        self, name: str, holder: str, seconds: float, *, over: int | None = None
    ) -> Lease | None:
        """Hold `name` for `seconds` from now; None while somebody else does.

        Args:
            holder: `machine/process/secret`; the same holder again gets the same lease.
            over: the epoch of a holder that is known to be dead: it is not waited for.
        """
        ...

    def renew(self, lease: Lease, seconds: float) -> None:
        """Hold it for `seconds` from now.

        Raises:
            StaleLease: somebody else took it.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Let others have it at once; does nothing where somebody took it."""
        ...

    def get(self, name: str) -> LeaseRecord | None:
        """Who holds it, without what its holder alone knows; None where nobody ever did."""
        ...


class Models(Protocol):
    """Versions and the history of promotions."""

    def register(self, project: str, run_id: str, number: int) -> VersionRecord:
        """Know the version that a run registered, with the verdict of the run's evaluation. The
        same number again changes nothing, unless the gate held it before and blessed it since.

        Raises:
            NotFound: no such run.
            Conflict: the run measured no model.
        """
        ...

    def get_version(self, project: str, number: int) -> VersionRecord:
        """One version.

        Raises:
            NotFound: with the numbers that there are.
        """
        ...

    def all_versions(self, project: str) -> list[VersionRecord]:
        """Every version, oldest first."""
        ...

    def champion(self, project: str) -> Promotion | None:
        """The newest promotion; None before the first."""
        ...

    def history(self, project: str) -> list[Promotion]:
        """Every promotion, oldest first."""
        ...

    def promote(
        self,
        project: str,
        version: int,
        *,
        reason: str = "",
        force: bool = False,
        expected: int | str | None = "any",
        key: str | None = None,
    ) -> Promotion:
        """The one commit that makes a version the champion, and closes the alarms that wait; an
        older version is a rollback. A version that is the champion already stays it, by the line
        that made it so. Whoever asks is kept as its author.

        Args:
            force: also a version that the gate held; needs a reason.
            expected: the champion that the caller judged against; `any` does not ask.
            key: one key is one promotion, however often it is sent; a new one where absent.

        Raises:
            NotFound: no such version.
            Conflict: the gate held the version, somebody promoted another one since, or the
                key was used for another promotion.
        """
        ...

    def promote_blessed(self, project: str, run_id: str, lease: Lease) -> Promotion:
        """The gate's own promotion, by whoever drives the run and concludes it: the version that
        it registered, if the gate blessed it and the champion is still the one that the run was
        judged against. Once for each run.

        Raises:
            StaleLease: somebody else drives the run by now.
            NotFound: no such run.
            Conflict: it registered no version, the gate held it, or the champion is another one.
        """
        ...


class Monitoring(Protocol):
    """TickResult windows, decisions and what is served."""

    def add_window(self, record: WindowRecord) -> None:
        """Keep what a window showed. The same window again changes nothing, unless it was not
        judged before, or the verdict is given over more rows.

        Raises:
            Conflict: the window of that id is another project's.
        """
        ...

    def all_windows(self, project: str) -> list[WindowRecord]:
        """Every watched window, oldest first."""
        ...

    def newest_windows(
        self, project: str, limit: int, *, kind: str | None = None, version: int | None = None
    ) -> list[WindowRecord]:
        """The watched windows that ended last, the last one first."""
        ...

    def pending_alarms(self, project: str) -> list[WindowRecord]:
        """Alarms about the champion that no decision answered yet, oldest first."""
        ...

    def add_decision(
        self, record: DecisionRecord, alarm: str | None = None, lease: Lease | None = None
    ) -> DecisionRecord:
        """Keep the guard's decision and, in the same commit, mark the alarm that it answers, and
        the request that waits under its trigger's id.

        Args:
            lease: of the controller that decides.

        Raises:
            StaleLease: another controller leads by now.
            Conflict: another decision answered the alarm, or let the same trigger go, or the
                key was used for another decision.
            InvalidData: its rule is one by which a person decides, with a command of its own.
        """
        ...

    def reset_breaker(self, project: str, key: str | None = None) -> DecisionRecord:
        """A person looked: failures of retrainings decided before this no longer stop others."""
        ...

    def lift_freeze(self, project: str, key: str | None = None) -> DecisionRecord:
        """A person looked: the rollback before this no longer stops retraining."""
        ...

    def all_decisions(self, project: str) -> list[DecisionRecord]:
        """Every decision, oldest first."""
        ...

    def newest_decisions(
        self,
        project: str,
        limit: int,
        *,
        rule: str | None = None,
        trigger: str | None = None,
        go: bool | None = None,
    ) -> list[DecisionRecord]:
        """The decisions that were kept last, the last one first."""
        ...

    def retrainings(
        self,
        project: str,
        limit: int,
        *,
        since: datetime | None = None,
        unfinished: bool = False,
    ) -> list[RetrainingRecord]:
        """The decisions to go that were kept last, with how their runs are, the last one first.

        Args:
            since: those whose trigger's time is after this instant.
            unfinished: those whose run is queued or running.
        """
        ...

    def set_served(self, record: ServedVersion) -> None:
        """Say what answers predictions now."""
        ...

    def served(self, project: str) -> ServedVersion | None:
        """What was said to answer predictions; None where nothing does."""
        ...

    def clear_served(self, project: str) -> None:
        """Nothing answers any more."""
        ...


class Triggers(Protocol):
    """Events that asked for a retraining, and how far a schedule was answered."""

    def request(self, project: str, key: str, cause: str, reason: str = "") -> RequestRecord:
        """Ask for a retraining; the next round of a controller, or the next tick, answers. The
        same key again is the same request, with its decision once there is one. Who asks, and
        when, is kept by the state.

        Args:
            key: id of the event, such as a commit's hash.
            cause: one of `records.RequestCause`.

        Raises:
            NotFound: no such project.
            Conflict: the key was used for another cause.
            InvalidData: a key, a cause or a reason of another form.
        """
        ...

    def get_request(self, project: str, key: str) -> RequestRecord:
        """What was asked under a key, and its decision.

        Raises:
            NotFound: nothing.
        """
        ...

    def requests(self, project: str, limit: int, *, waiting: bool = False) -> list[RequestRecord]:
        """The newest requests, the last one first; `waiting`: those that nobody answered yet."""
        ...

    def schedule(self, project: str) -> ScheduleRecord | None:
        """How far the project's schedule was answered; None where nobody looked at one."""
        ...

    def keep_schedule(self, record: ScheduleRecord) -> None:
        """Keep how far a schedule was answered; of the same schedule the later `since` stays."""
        ...

    def drop_schedule(self, project: str) -> None:
        """The project has no schedule any more."""
        ...


class Chapters(Protocol):
    """How far a project's story (`mizzen demo`) was told."""

    def get(self, project: str, story: str, position: int) -> DemoStepRecord | None:
        """What is known of one step."""
        ...

    def keep(self, chapter: DemoStepRecord) -> None:
        """Replace what is known of this step."""
        ...


class Bundles(Protocol):
    """Code bundles by their digest, for whoever has no folder of the project."""

    def has(self, digest: str) -> bool:
        """Whether a bundle is kept."""
        ...

    def put(self, digest: str, content: bytes, now: datetime) -> None:
        """Keep an archive; the same one again changes nothing.

        Raises:
            InvalidData: it does not hash to its digest, or holds what no bundle may hold.
        """
        ...

    def get(self, digest: str) -> bytes:
        """The archive.

        Raises:
            NotFound: it is not kept.
        """
        ...


class State(Protocol):
    """Everything that Mizzen remembers, by subject."""

    @property
    def projects(self) -> Projects: ...

    @property
    def runs(self) -> Runs: ...

    @property
    def leases(self) -> Leases: ...

    @property
    def models(self) -> Models: ...

    @property
    def monitoring(self) -> Monitoring: ...

    @property
    def triggers(self) -> Triggers: ...

    @property
    def chapters(self) -> Chapters: ...

    @property
    def bundles(self) -> Bundles: ...

    def about(self) -> About:
        """Who answers, asked anew.

        Raises:
            TemporaryError: nobody.
            IntegrityError: the tables are of another Mizzen.
        """
        ...
