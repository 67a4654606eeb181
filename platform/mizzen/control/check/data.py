"""`mizzen check --data`: loads the source and does to the rows what the steps will do.

The very functions of the steps are called, one after the other, so that what passes here passes
there, and what is refused here is refused there in the same words. Views are computed and joined
too, without the feature store; only the fit itself is left to the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mizzen.adapters import backends, bundle
from mizzen.adapters.tables import check_storable
from mizzen.control.check.drift_windows import check_windows
from mizzen.control.check.finding import Finding, refused
from mizzen.control.check.numbers import odd_numbers
from mizzen.control.check.rows import looks
from mizzen.control.runs.inputs import pack_code
from mizzen.control.source_rows import in_project, read_source
from mizzen.control.workspace import Workspace
from mizzen.errors import MizzenError

if TYPE_CHECKING:
    import pandas as pd

    from mizzen.adapters.lightgbm.framework import LightGBMFramework

_LAST = ("evaluation.slices", "trainer.parameters")


def check_data(workspace: Workspace) -> list[Finding]:
    """The first thing that the steps would refuse; else what is worth a look, and the classes."""
    steps = _Steps(workspace)
    for subject in ("data", "expectations", "features.views", "features", *_LAST):
        try:
            steps.take(subject)
        except MizzenError as error:
            return [*steps.found, refused(subject, error)]
    steps.found += odd_numbers(steps.frame, workspace.spec.features)
    steps.found += check_windows(steps.rows, workspace.spec)
    return [*steps.found, *looks(workspace.spec, steps.rows, steps.types)]


class _Steps:
    """What the steps make of the rows, kept from one to the next."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._spec = workspace, workspace.spec
        self._code = ""
        self._tables: Mapping[str, pd.DataFrame] = {}
        self.rows: pd.DataFrame
        self.frame: pd.DataFrame  # the rows with the views' columns
        self.types: Mapping[str, str] = {}
        self._fitted: tuple[Any, Any] = (None, None)
        self.found: list[Finding] = []

    def take(self, subject: str) -> None:
        """Raises MizzenError as the step of this subject would."""
        {
            "data": self._snapshot,
            "expectations": self._validate,
            "features.views": self._views,
            "features": self._preprocess,
            "evaluation.slices": self._slices,
            "trainer.parameters": self._trainer,
        }[subject]()

    def _snapshot(self) -> None:
        self._code = pack_code(self._workspace)
        found = read_source(self._workspace, self._code)
        self.rows, self.types, self._tables = found.rows, found.types, found.tables
        for name, frame in self._tables.items():
            check_storable(frame, name)

    def _validate(self) -> None:
        from mizzen_components.validate import check_critical, judged

        spec = self._spec
        checks = judged(self._workspace.place, self._tables, spec.data, spec.expectations)
        check_critical(checks, spec.data, "the data")
        self.found += [
            Finding("warning", "expectations", f"{each.expect} does not hold: {each.observed}")
            for each in checks
            if not each.success
        ]

    def _views(self) -> None:
        from mizzen.adapters.feast.join import join
        from mizzen_components.entity_match import check_entities
        from mizzen_components.features import check_names
        from mizzen_components.view_values import compute

        self.frame, views = self.rows, self._spec.features.used_views
        if views:
            check_names(self.rows, views)
            code = bundle.open_code(self._workspace.place, self._code)
            with in_project(self._workspace.folder):
                computed = compute(views, code, self._tables, self._workspace.place)
            sentences = [
                s for one in computed for s in check_entities(one.view, self.rows, one.values)
            ]
            self.found += [Finding("warning", "features.views", each) for each in sentences]
            # the spec demands an event time wherever views are used
            values = {one.view.name: one.values for one in computed}
            known = [one.view for one in computed]
            self.frame = join(self.rows, str(self._spec.data.event_time), known, values)

    def _preprocess(self) -> None:
        from mizzen_components.preprocess import divided, fit

        spec = self._spec
        split = spec.split.model_dump(mode="json")
        wanted, label, task = spec.features, spec.label, spec.task
        sides, _ = divided(self.frame, spec.data, wanted, label, task, split, "")
        encoder = fit(sides.train, wanted, label, task, self.types)
        self._fitted = sides.train, encoder

    def _slices(self) -> None:
        from mizzen_components.evaluate.slices import check_slices

        check_slices(list(self.frame.columns), self._spec.evaluation.slices)

    def _trainer(self) -> None:
        if self._spec.trainer.kind != "lightgbm":
            return  # torch's were checked without data, an own trainer's are its own
        from mizzen_components.train import training_job

        spec, (train, encoder) = self._spec, self._fitted
        names = tuple(column.name for column in spec.features.inputs)
        job = training_job(
            train,
            spec.label.column,
            task=spec.task,
            encoder=encoder,
            trainer=spec.trainer,
            code=Path(),
            work=Path(),
            inputs=names,
        )
        framework = backends.load_backend("framework", spec.trainer.kind)(self._workspace.place)
        cast("LightGBMFramework", framework).check(job)
