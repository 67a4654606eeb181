"""The seam to experiment tracking: runs and steps appear there with no code in the steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mizzen.core.runs import Outcome, StepEvent


class Tracker(Protocol):
    """Records a run while it happens. A tracker that is away never fails a run: what could
    not be sent is kept in the run's folder and told."""

    def start(self, run_id: str, name: str, parameters: Mapping[str, Any]) -> None:
        """Open the run's page; resuming the same run id opens the same page."""

    def record(self, event: StepEvent) -> None:
        """One change of one step: state, duration, parameters, figures, artifacts, log."""

    def finish(self, outcome: Outcome) -> None:
        """Close the page with the run's state and flush everything."""
