"""The rows: one image each, its 64 pixels as columns p<row><column>, values 0 to 16."""

from __future__ import annotations

import pandas as pd
from sklearn.datasets import load_digits


def load() -> pd.DataFrame:
    """1,797 images of handwritten digits."""
    digits = load_digits()
    pixels = [f"p{row}{column}" for row in range(8) for column in range(8)]
    frame = pd.DataFrame(digits.data, columns=pixels)
    frame.insert(0, "image", range(len(frame)))
    return frame.assign(digit=digits.target)
