"""The windows of quality of one model version, as far as its labels are known.

`mizzen.control` runs it at each look and stores what it finds. It reads the log and the package
and writes nothing; equal logs, looked at for the same instant, give equal windows.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.core.manifest import PROJECT
from mizzen.core.quality import QualityPolicy, labels_of
from mizzen.core.true_labels import LabelRule, TrueLabel
from mizzen.ports.prediction_log import LogWindow, PredictionLog
from mizzen.spec.project import ProjectSpec
from mizzen_monitoring.quality import Quality, judge_quality

_SHOWN = 10  # wrong labels by id


@dataclass(frozen=True, slots=True)
class QualityWindow:
    """One window of event time, half open. `evidence`: a digest of its predictions and their
    labels; the verdict follows from it. `wrong`: ids whose stored label is none of the task's,
    each with the label; they count as not labelled."""

    start: datetime
    end: datetime
    predictions: int
    evidence: str
    quality: Quality
    wrong: tuple[tuple[str, Any], ...] = ()

    @property
    def figures(self) -> Mapping[str, Any]:
        """Key figures; NaN where there is no value."""
        quality, rows = self.quality, self.predictions
        return {
            "labelled": quality.labelled,
            "share": round(quality.labelled / rows, 4),
            quality.metric: quality.value,
            "reason": quality.reason + self._basis() + self._left_out(),
            "judged": quality.judged,
            "predictions": rows,
            "evaluated": quality.evaluated,
            "low": quality.low,
            "high": quality.high,
            "metric": quality.metric,
            "wrong": len(self.wrong),
            "evidence": self.evidence,
        }

    def _basis(self) -> str:
        if not self.quality.judged:
            return ""
        return f"; {labels_of(self.quality.labelled, self.predictions)}"

    def _left_out(self) -> str:
        if not self.wrong:
            return ""
        shown = ", ".join(f"{name} ({value!r})" for name, value in self.wrong[:_SHOWN])
        more = len(self.wrong) - _SHOWN
        rest = f" and {more} more" if more > 0 else ""
        return f"; left out as no labels of this task: {shown}{rest}"


@dataclass(frozen=True, slots=True)
class _Row:
    at: datetime
    id: str
    output: float | Sequence[float]
    label: float | str | None
    wrong: Any = None


def quality_windows(
    package: Path, log: PredictionLog, version: int, now: datetime, judged: Collection[str] = ()
) -> list[QualityWindow]:
    """Every window that ended by `now` and holds predictions of the version, oldest first.

    Args:
        now: labels that became known later are not used.
        judged: evidence that was judged before; such a window is left out.

    Raises:
        IntegrityError: the package holds no model.
    """
    project = ProjectSpec.model_validate_json((package / PROJECT).read_text(encoding="utf-8"))
    rule = LabelRule(project.task, read_manifest(package)[1].classes)
    policy = QualityPolicy.of(project.monitoring, project.label)
    found = []
    for index, rows in sorted(_rows(log, version, now, policy, rule).items()):
        rows.sort(key=lambda row: (row.at, row.id))
        evidence = _evidence(rows)
        if evidence in judged:
            continue
        start, end = policy.window(index)
        quality = _judge(package, project, rule, rows, policy, end, now)
        wrong = tuple((row.id, row.wrong) for row in rows if row.wrong is not None)
        found.append(QualityWindow(start, end, len(rows), evidence, quality, wrong))
    return found


def _rows(
    log: PredictionLog, version: int, now: datetime, policy: QualityPolicy, rule: LabelRule
) -> dict[int, list[_Row]]:
    """Window -> its predictions, with the labels known at `now`."""
    windows: dict[int, list[_Row]] = defaultdict(list)
    known = log.labels(now)
    last = policy.index(now.timestamp())  # it has not ended
    for prediction in log.read(LogWindow(None, None, version)):
        index = policy.index(prediction.at.timestamp())
        if index < last:
            label, wrong = _label(known.get(prediction.id), rule)
            row = _Row(prediction.at, prediction.id, prediction.output, label, wrong)
            windows[index].append(row)
    return windows


def _label(known: TrueLabel | None, rule: LabelRule) -> tuple[float | str | None, Any]:
    """The label, or the value that is none: doors did not always check."""
    if known is None:
        return None, None
    return (rule.read(known.value), None) if rule.knows(known.value) else (None, known.value)


def _evidence(rows: Sequence[_Row]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for row in rows:
        digest.update(f"{row.id}\0{row.label!r}\0{row.wrong!r}\n".encode())
    return digest.hexdigest()


def _judge(
    package: Path,
    project: ProjectSpec,
    rule: LabelRule,
    rows: Sequence[_Row],
    policy: QualityPolicy,
    end: datetime,
    now: datetime,
) -> Quality:
    labels = np.empty(len(rows), dtype=object)
    labels[:] = [row.label for row in rows]
    labelled = sum(row.label is not None for row in rows)
    waits = policy.waits_for(end, now, len(rows), labelled)
    scores = np.array([row.output for row in rows], dtype=np.float64)
    return judge_quality(package, project, rule.classes, labels, scores, waits)
