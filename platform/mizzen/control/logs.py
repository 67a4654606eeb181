"""Which predictions are watched: those of the home, or those that services elsewhere shipped."""

from __future__ import annotations

from mizzen.adapters.table import load
from mizzen.core.place import Place
from mizzen.ports.prediction_log import PredictionLog


def log_of(place: Place) -> PredictionLog:
    """The prediction log of a place, for reading and for labels."""
    kind = "segments" if place.profile.prediction_log.url is None else "shipped"
    log: PredictionLog = load("prediction_log", kind)(place)
    return log
