"""The rows: one patient each, with ten measurements at the start of the year."""

from __future__ import annotations

import pandas as pd
from sklearn.datasets import load_diabetes

NAMES = {
    "bp": "blood_pressure",
    "s1": "cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_ratio",
    "s5": "triglycerides",  # logarithm of the level
    "s6": "glucose",
}


def load() -> pd.DataFrame:
    """442 patients; `progression` is what a year later showed."""
    source = load_diabetes(as_frame=True, scaled=False)
    frame = source.data.rename(columns=NAMES)
    frame.insert(0, "patient", range(len(frame)))
    sex = frame["sex"].map({1.0: "female", 2.0: "male"})
    return frame.assign(sex=sex, progression=source.target)
