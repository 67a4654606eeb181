"""The seam to the drift report that people read. The alarm is calibrated in `mizzen.core`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mizzen.core.drift import ColumnDrift

if TYPE_CHECKING:
    import pandas as pd


class DriftReport(Protocol):
    """Renders a page that needs no network to be read."""

    def render(
        self,
        reference: pd.DataFrame,
        current: pd.DataFrame,
        into: Path,
        *,
        categories: Sequence[str],
        verdict: str,
        measures: Sequence[ColumnDrift] = (),
    ) -> Path:
        """Write the page that compares two samples of equal columns; returns its path.

        Args:
            categories: the columns that hold names; all others hold numbers.
            verdict: the calibrated verdict, the only one of the page.
            measures: what it rests on, shown with the thresholds.
        """
