"""A booster that answers at once for the few rows of a request.

`Booster.predict` prepares each call anew, which takes it three times as long as the trees need
for eight rows. The function of LightGBM's C interface that it calls then is documented and is
called here with what is the same every time prepared once. The numbers are the same, bit by bit.
"""

from __future__ import annotations

import ctypes

import lightgbm
import numpy as np

from mizzen.ports.framework import Floats

_FEW = 1024  # rows; for more the preparation is nothing
_FLOAT64, _BY_ROW, _NORMAL, _FROM_FIRST = 1, 1, 0, 0  # LightGBM's c_api.h
_INT, _POINTER = ctypes.c_int, ctypes.c_void_p
_PREDICT_FOR_MAT = (
    _POINTER, _POINTER, _INT, ctypes.c_int32, ctypes.c_int32, _INT, _INT, _INT, _INT,
    ctypes.c_char_p, ctypes.POINTER(ctypes.c_int64), _POINTER,
)  # fmt: skip


class Trees:
    """Predicts with a booster on so many threads. Thread-safe: LightGBM locks it for reading."""

    def __init__(self, booster: lightgbm.Booster, threads: int) -> None:
        self._booster = booster  # frees the handle at its end
        self._threads = threads
        self._width = booster.num_model_per_iteration()
        self._handle = booster._handle
        self._parameters = b"num_threads=%d" % threads
        # by its name in brackets, the library gives a function that the package does not share
        library = lightgbm.basic._LIB  # type: ignore[attr-defined]
        self._predict = library["LGBM_BoosterPredictForMat"]
        self._predict.argtypes = _PREDICT_FOR_MAT

    def predict(self, rows: Floats) -> Floats:
        """float64 (rows, features) -> float64 (rows,), or (rows, classes) of several classes.

        Raises:
            LightGBMError: the rows are not those of this booster.
        """
        if len(rows) > _FEW:
            return self._predict_many(rows)
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        outputs = np.empty((len(rows), self._width), dtype=np.float64)
        written = ctypes.c_int64(0)
        failed = self._predict(
            self._handle,
            rows.ctypes.data,
            _FLOAT64,
            rows.shape[0],
            rows.shape[1],
            _BY_ROW,
            _NORMAL,
            _FROM_FIRST,
            self._booster.best_iteration,
            self._parameters,
            written,
            outputs.ctypes.data,
        )
        if failed or written.value != outputs.size:
            return self._predict_many(rows)  # which says what is wrong
        return outputs[:, 0] if self._width == 1 else outputs

    def _predict_many(self, rows: Floats) -> Floats:
        answer = self._booster.predict(rows, num_threads=self._threads)
        return np.asarray(answer, dtype=np.float64)
