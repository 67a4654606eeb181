"""The seam to the drift report that people read. The alarm is calibrated in `mizzen.core`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd


class DriftReport(Protocol):
    """Renders a self-contained HTML page."""

    def render(self, reference: pd.DataFrame, current: pd.DataFrame, into: Path) -> Path:
        """Write the page that compares two samples of equal columns; returns its path."""
