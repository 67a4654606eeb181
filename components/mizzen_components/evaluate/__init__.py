"""Measure a candidate on the held-out rows and judge it: the `evaluate` step."""

from mizzen_components.evaluate.step import EvaluateFigures, run

__all__ = ["EvaluateFigures", "run"]
