"""One run from its first to its last step: what starts when, and what each ending means."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mizzen.adapters.cache.trees import remove_tree
from mizzen.adapters.local_runner.attempts import Attempt, Attempts
from mizzen.adapters.local_runner.folder import RunFolder
from mizzen.adapters.local_runner.input_resolver import InputResolver, Inputs, Result
from mizzen.adapters.local_runner.keylock import KeyLock
from mizzen.adapters.local_runner.run_cache import RunCache
from mizzen.adapters.local_runner.worker import describe
from mizzen.core.plan import Task
from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import MizzenError
from mizzen.ports.runner import Observer, Submission

_TICK = 0.1  # seconds between two looks for a cancellation


@dataclass(slots=True)
class _Prepared:
    """A task whose inputs are known. `lock`: the right to compute its result."""

    inputs: Inputs
    key: str
    attempt: int = 1
    not_before: float = 0.0
    lock: KeyLock | None = None


class Execution:
    """Executes one submission in this thread."""

    def __init__(
        self, submission: Submission, observe: Observer, folder: RunFolder, lock: int
    ) -> None:
        self._submission = submission
        self._observe = observe
        self._folder = folder
        self._board = InputResolver(submission.plan.bind(submission.arguments))
        self._memory = RunCache(submission, folder)
        self._attempts = Attempts(submission, folder, lock)
        self._waiting = {task.name: task for task in submission.plan.tasks}
        self._needs = {task.name: task.needs for task in submission.plan.tasks}
        self._prepared: dict[str, _Prepared] = {}
        self._failed = False

    def run(self) -> RunState:
        """The state in which the run ended."""
        try:
            return self._loop()
        except KeyboardInterrupt:
            self._cancel()
            self._folder.state = RunState.CANCELLED
            raise
        finally:
            self._attempts.close()
            for prepared in self._prepared.values():
                if prepared.lock is not None:
                    prepared.lock.release()
            self._memory.save()

    def _loop(self) -> RunState:
        while True:
            while not self._failed and self._advance():
                pass
            if self._folder.cancelled:
                self._cancel()
                return RunState.CANCELLED
            if not self._attempts.running and (self._failed or not self._waiting):
                return RunState.FAILED if self._failed else RunState.SUCCEEDED
            self._await()

    def _advance(self) -> bool:
        """Look at every task once; whether one of them got further without a process."""
        moved = False
        for task in list(self._waiting.values()):
            if not self._failed and self._needs[task.name] <= self._board.results.keys():
                moved = self._look(task) or moved
        return moved

    def _look(self, task: Task) -> bool:
        try:
            return self._settled(task)
        except (MizzenError, OSError) as error:
            self._fail(task, 1, describe(task.name, error))
            return True

    def _settled(self, task: Task) -> bool:
        if task.name not in self._prepared:
            if not self._board.wanted(task):
                self._skip(task)
                return True
            inputs = self._board.inputs(task)
            prepared = _Prepared(inputs, self._memory.key(task, inputs))
            if self._recall(task, prepared):
                return True
            self._prepared[task.name] = prepared
        return self._start(task, self._prepared[task.name])

    def _skip(self, task: Task) -> None:
        del self._waiting[task.name]
        self._board.results[task.name] = Result(skipped=True)
        self._tell(self._event(task, StepState.SKIPPED))

    def _recall(self, task: Task, prepared: _Prepared) -> bool:
        recalled = self._memory.recall(task, prepared.key)
        if recalled is None:
            return False
        self._finish(task, recalled.result)
        if recalled.event is not None:
            self._observe(recalled.event)
            return True
        event = self._event(
            task,
            StepState.CACHED,
            parameters=prepared.inputs.values,
            figures=recalled.result.figures,
            artifacts=_paths(recalled.result),
        )
        self._memory.finished(task, prepared.key, event)
        self._tell(event)
        return True

    def _start(self, task: Task, prepared: _Prepared) -> bool:
        if prepared.not_before > time.monotonic() or not self._room(task):
            return False
        if prepared.lock is None:
            prepared.lock = self._memory.lock(prepared.key)
            if prepared.lock is None:
                return False
            # Another run may have computed it between the first look and the lock.
            if self._recall(task, prepared):
                self._drop(task)
                return True
        del self._waiting[task.name]
        self._tell(
            self._event(
                task,
                StepState.RUNNING,
                attempt=prepared.attempt,
                parameters=prepared.inputs.values,
            )
        )
        attempt = Attempt(task, prepared.attempt, prepared.inputs)
        work = self._memory.work(task, prepared.key)
        self._attempts.start(attempt, self._memory.outputs(task), work)
        return False

    def _room(self, task: Task) -> bool:
        running = [attempt.task for attempt in self._attempts.running.values()]
        if len(running) >= self._submission.place.profile.parallel:
            return False
        return all(sum(pool in t.pools for t in running) < pool.limit for pool in task.pools)

    def _await(self) -> None:
        delays = [p.not_before - time.monotonic() for p in self._prepared.values()]
        soonest = min((delay for delay in delays if delay > 0), default=math.inf)
        for attempt, answer in self._attempts.ended(min(_TICK, soonest)):
            self._ended(attempt, answer)

    def _ended(self, attempt: Attempt, answer: dict[str, Any]) -> None:
        task, prepared = attempt.task, self._prepared[attempt.task.name]
        if "error" not in answer:
            try:
                self._succeed(attempt, prepared, answer)
            except (MizzenError, OSError) as error:
                self._fail(task, attempt.number, describe(task.name, error), attempt.seconds)
            return
        # What it wrote is of no use, and may be what filled the disk.
        remove_tree(self._memory.outputs(task))
        why = answer["error"]
        again = attempt.number <= task.retry.count and why["retryable"] and not self._failed
        self._fail(task, attempt.number, why, attempt.seconds, again)
        if again:
            prepared.attempt += 1
            prepared.not_before = time.monotonic() + task.retry.wait(attempt.number)
            self._waiting[task.name] = task

    def _succeed(self, attempt: Attempt, prepared: _Prepared, answer: Mapping[str, Any]) -> None:
        task = attempt.task
        result = self._memory.keep(task, prepared.inputs, prepared.key, answer)
        event = self._event(
            task,
            StepState.SUCCEEDED,
            attempt=attempt.number,
            seconds=attempt.seconds,
            parameters=prepared.inputs.values,
            figures=result.figures,
            artifacts=_paths(result),
        )
        self._memory.finished(task, prepared.key, event)
        self._finish(task, result)
        self._drop(task)
        self._tell(event)

    def _finish(self, task: Task, result: Result) -> None:
        self._waiting.pop(task.name, None)
        self._memory.forget_work(task)
        self._board.results[task.name] = result

    def _drop(self, task: Task) -> None:
        prepared = self._prepared.pop(task.name)
        if prepared.lock is not None:
            prepared.lock.release()

    def _fail(
        self,
        task: Task,
        attempt: int,
        error: Mapping[str, Any],
        seconds: float | None = None,
        again: bool = False,
    ) -> None:
        self._waiting.pop(task.name, None)
        self._failed = self._failed or not again
        state = StepState.FAILED
        told = {**error, "retrying": again}
        self._tell(self._event(task, state, attempt=attempt, seconds=seconds, error=told))

    def _cancel(self) -> None:
        running = [*self._attempts.running.values()]
        self._attempts.close()
        for attempt in running:
            self._tell(
                self._event(
                    attempt.task,
                    StepState.CANCELLED,
                    attempt=attempt.number,
                    seconds=attempt.seconds,
                )
            )

    def _event(self, task: Task, state: StepState, **facts: Any) -> StepEvent:
        return StepEvent(self._submission.run_id, task.name, state, datetime.now(UTC), **facts)

    def _tell(self, event: StepEvent) -> None:
        self._folder.append(event)
        self._observe(event)


def _paths(result: Result) -> dict[str, Any]:
    return {name: artifact.path for name, artifact in result.artifacts.items()}
