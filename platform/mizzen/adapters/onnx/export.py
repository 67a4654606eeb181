"""A registered torch model as an ONNX package, accepted only if both answer alike.

Called by `mizzen models package` and by serving. The exported folder is a model folder of the
framework `onnx`, with the encoder of the original.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from mizzen.adapters import backends
from mizzen.adapters.files.atomic import replaced_folder
from mizzen.adapters.files.model_folder import read_manifest, write_manifest
from mizzen.adapters.onnx.framework import MODEL, OnnxFramework, libraries
from mizzen.core.encoding import Encoded, Encoder
from mizzen.core.manifest import Manifest
from mizzen.core.place import Place
from mizzen.core.scaling import LIMIT
from mizzen.errors import IntegrityError, Unsupported
from mizzen.ports.framework import Floats, Predictor

if TYPE_CHECKING:
    from mizzen.adapters.torch.framework import TorchFramework

TOLERANCE = 1e-4  # of a probability; float32 sums in another order differ by about 1e-6
RESIDUAL = 1e-2  # of a regression's residuals: a root mean square changes by less than 1e-4 of it
NOISE = 4e-6  # of the label's deviation: what float32 cannot do better
ROWS = 512


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike both models answered: the largest difference of two probabilities, or, of a
    regression, the largest difference over the model's residuals."""

    rows: int
    difference: float


def export_onnx(place: Place, folder: Path, code: Path, into: Path) -> Likeness:
    """Write the model of `folder` as ONNX into the new folder `into`.

    Raises:
        Unsupported: not a torch model, or one that ONNX cannot express.
        IntegrityError: the exported model answers differently; nothing is written.
    """
    manifest, encoder = read_manifest(folder)
    if manifest.framework != "torch":
        raise Unsupported("only torch models are exported", given=manifest.framework)
    with replaced_folder(into) as scratch:
        scratch.mkdir()
        framework = cast("TorchFramework", backends.load_backend("framework", "torch")(place))
        framework.export_onnx(folder, code, scratch / MODEL)
        exported = replace(
            manifest,
            framework="onnx",
            model=None,
            files={MODEL: hashlib.sha256((scratch / MODEL).read_bytes()).hexdigest()},
            libraries=libraries(),
        )
        write_manifest(scratch, exported, encoder)
        return _compare(framework.load(folder, code, {}), place, scratch, manifest, encoder)


def _compare(
    original: Predictor, place: Place, folder: Path, manifest: Manifest, encoder: Encoder
) -> Likeness:
    exported = OnnxFramework(place).load(folder, None, {})
    if any(isinstance(entry.shape[0], int) for entry in exported.session.get_inputs()):
        raise Unsupported(
            "the model fixes the number of rows when it is exported",
            next_step="do not look at len(numbers) or numbers.shape[0] in forward",
        )
    rows = _probe(encoder)
    wanted, given = original.predict(rows), exported.predict(rows)
    scale, allowed = _measure(original, manifest.task)
    difference = _difference(wanted, given, scale)
    if not difference <= allowed:
        raise IntegrityError(
            "the exported model answers differently from the original",
            given=f"largest difference {difference:.3g}",
            allowed=f"at most {allowed:.3g}"
            + (" of the residuals" if manifest.task == "regression" else ""),
            next_step="serve it with torch; look for operations that depend on the batch",
        )
    return Likeness(ROWS, difference)


def _measure(original: Predictor, task: str) -> tuple[float, float]:
    """What a difference is divided by, and how large it may then be."""
    target = getattr(original, "target", None)
    if task != "regression" or target is None:
        return 1.0, TOLERANCE
    # a fit without any residual still has what float32 leaves
    residual = max(target.residual, NOISE * target.scale)
    return residual, max(RESIDUAL, NOISE * target.scale / residual)


def _difference(wanted: Floats, given: Floats, scale: float) -> float:
    if wanted.shape != given.shape:
        return math.inf
    return float(np.abs(wanted - given).max()) / scale


def _probe(encoder: Encoder) -> Encoded:
    """Rows that visit the scaled range, its far ends, nulls and every code."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(0, 2, (ROWS, len(encoder.numbers))).astype(np.float32)
    numbers[rng.random(numbers.shape) < 0.02] = np.float32(2 * LIMIT)
    numbers[rng.random(numbers.shape) < 0.05] = np.nan
    sizes = [len(column.categories) + 1 for column in encoder.categories]
    codes = np.stack([np.arange(ROWS) % size for size in sizes], 1) if sizes else None
    return Encoded(numbers, np.empty((ROWS, 0), np.int64) if codes is None else codes)
