"""Make a model version with its whole provenance: the `register` step."""

from mizzen_components.register.step import RegisterFigures, run

__all__ = ["RegisterFigures", "run"]
