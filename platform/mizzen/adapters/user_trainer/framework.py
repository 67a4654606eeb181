"""The `python` framework: a project's own `fit` and `load`, as short as this::

    import numpy as np

    def fit(job):                              # mizzen.ports.framework.TrainingJob
        x = np.nan_to_num(job.rows.numbers)    # float32, scaled, NaN where null
        ones = np.ones((len(x), 1))
        weights, *_ = np.linalg.lstsq(np.hstack([x, ones]), job.labels, rcond=None)
        return {"weights": weights}            # arrays, or paths of files that fit wrote

    def load(kept):                            # what fit returned, read back
        def predict(rows):                     # mizzen.core.encoding.Encoded
            return np.nan_to_num(rows.numbers) @ kept["weights"][:-1] + kept["weights"][-1]
        return predict

`trainer.function` names `fit`; `load` stands in the same module. Arrays are kept as safetensors,
files as they are under the key's name. Pickled content is refused: reading it runs code.
"""

from __future__ import annotations

import importlib.metadata
import random
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mizzen.adapters.bundle import load_function, seeded
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.user_trainer.artifacts import Kept, read_kept, write_kept
from mizzen.core.encoding import Encoded
from mizzen.core.place import Place
from mizzen.errors import InvalidProject, MizzenError, StepFailed
from mizzen.ports.framework import FitResult, Floats, Framework, TrainingJob
from mizzen.spec.training import load_of

Predict = Callable[[Encoded], NDArray[Any]]


class UserFramework(Framework):
    """Calls a project's functions and keeps what they return."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def fit(self, job: TrainingJob, folder: Path) -> FitResult:
        """Call the project's `fit`; what it returns must be readable by its `load`.

        Raises:
            StepFailed: the function raised; the text carries its traceback.
            InvalidProject: it returned something else than arrays and paths.
        """
        reference = job.trainer.function or ""
        fit = load_function(job.code, reference)
        load_function(job.code, load_of(reference))  # missing: say so before the work is done
        random.seed(job.trainer.seed)  # for trainers that use the global generators
        np.random.seed(job.trainer.seed % 2**32)
        kept = _call(reference, fit, job)
        if not isinstance(kept, Mapping) or not kept:
            raise InvalidProject(
                f"{reference} must return a mapping of names to arrays or paths",
                given=type(kept).__name__,
            )
        files, digest = write_kept(folder, kept)
        return FitResult(files, digest, {}, libraries())

    def load(self, folder: Path, code: Path | None, options: dict[str, Any]) -> UserPredictor:
        """Call the project's `load` with what `fit` returned."""
        manifest, _ = read_manifest(folder)
        if code is None or manifest.model is None:
            raise InvalidProject("a project's own model needs the project's code")
        reference = load_of(manifest.model)
        with seeded(options):
            loader = load_function(code, reference)
            predict = _call(reference, loader, _kept(folder, manifest.files))
        if not callable(predict):
            raise InvalidProject(f"{reference} must return a function of the rows", given=predict)
        return UserPredictor(reference, predict)


@dataclass(frozen=True, slots=True)
class UserPredictor:
    """As thread-safe as the project's function is."""

    reference: str
    function: Predict

    def predict(self, rows: Encoded) -> Floats:
        """See `mizzen.ports.framework.Predictor`."""
        return np.asarray(_call(self.reference, self.function, rows), dtype=np.float64)


def libraries() -> dict[str, str]:
    """Exact versions of what reads the arrays; a project names its own libraries itself."""
    return {"safetensors": importlib.metadata.version("safetensors")}


def _kept(folder: Path, files: Mapping[str, str]) -> Kept:
    return read_kept(folder, tuple(files))


def _call(reference: str, function: Callable[..., Any], argument: Any) -> Any:
    try:
        return function(argument)
    except MizzenError:
        raise
    except Exception as error:  # noqa: BLE001 (it is the user's code)
        _fail(reference, error)


def _fail(reference: str, error: Exception) -> NoReturn:
    # without our own frame: the first line is the user's
    inner = error.__traceback__.tb_next if error.__traceback__ else None
    text = "".join(traceback.format_exception(type(error), error, inner)).rstrip()
    raise StepFailed(
        f"{reference} raised {type(error).__name__}: {error}",
        given=text,
        next_step="fix the project's trainer",
    ) from error
