"""Fit the project's model on the training rows: the `train` step.

Equal inputs give equal weights, bit for bit: seeds and threads come from the project. A killed
attempt goes on from its last checkpoint, which lies in the folder that the runner keeps for
attempts at the same work (or beside the output, without such a runner).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from mizzen.adapters import backends, bundle
from mizzen.adapters.files.atomic import replaced_folder
from mizzen.adapters.files.model_folder import write_manifest
from mizzen.adapters.tables import read_table
from mizzen.core.encoding import Encoder
from mizzen.core.labels import label_numbers
from mizzen.core.manifest import DEPENDENCIES, Manifest
from mizzen.core.place import Place
from mizzen.errors import IntegrityError
from mizzen.ports.framework import Framework, TrainingJob
from mizzen.spec.data import Label
from mizzen.spec.features import Features
from mizzen.spec.training import Trainer
from mizzen_components.model_rows import encode, label_column
from mizzen_components.self_check import check_loads, check_model


class TrainFigures(NamedTuple):
    """Training rows, how long the fit took, and the canonical hash of the weights."""

    rows: int
    seconds: float
    weights: str


def run(
    *,
    train: Path,
    encoder: Path,
    code: str,
    task: str,
    features: dict[str, Any],
    label: dict[str, Any],
    trainer: dict[str, Any],
    inputs_digest: str = "",
    model: Path,
) -> TrainFigures:
    """Train and write the model folder (manifest, encoder, weights).

    Args:
        inputs_digest: not used; in the cache's key it stands for the files of the project that
            the trainer's own code may read (`data.source.inputs`).

    Raises:
        InvalidProject: unknown trainer, or parameters that it does not know.
        StepFailed: training failed, or the model answers with what no model may answer, or
            answers a row differently in other company or when it is loaded again.
    """
    place = Place.from_environment(os.environ)
    names = tuple(column.name for column in Features.model_validate(features).inputs)
    fitted_encoder = Encoder.from_json(encoder.read_text(encoding="utf-8"))
    if set(fitted_encoder.columns) != set(names):
        raise IntegrityError("the encoder is of other features", given=fitted_encoder.columns)
    work = Path(os.environ.get("MIZZEN_WORK") or model.with_name(f"{model.name}.work"))
    work.mkdir(parents=True, exist_ok=True)
    job = training_job(
        read_table(train),
        Label.model_validate(label).column,
        task=task,
        trainer=Trainer.model_validate(trainer),
        encoder=fitted_encoder,
        code=bundle.open_code(place, code),
        work=work,
        inputs=names,
    )
    begin = time.monotonic()
    weights = _fit(place, job, model)
    shutil.rmtree(work, ignore_errors=True)
    return TrainFigures(len(job.labels), round(time.monotonic() - begin, 3), weights)


def training_job(
    frame: Any, label: str, *, task: str, encoder: Encoder, **rest: Any
) -> TrainingJob:
    """What a framework is asked to fit; `rest`: the other fields of the job."""
    labels = label_numbers(label_column(frame, label), task, encoder.classes)
    return TrainingJob(
        task=task, encoder=encoder, rows=encode(encoder, frame), labels=labels, **rest
    )


def _fit(place: Place, job: TrainingJob, model: Path) -> str:
    framework: Framework = backends.load_backend("framework", job.trainer.kind)(place)
    with replaced_folder(model) as scratch:
        scratch.mkdir()
        return _fit_into(scratch, framework, job)


def _fit_into(folder: Path, framework: Framework, job: TrainingJob) -> str:
    fitted = framework.fit(job, folder)
    manifest = Manifest(
        framework=job.trainer.kind,
        task=job.task,
        model=job.trainer.model or job.trainer.function,
        files={name: _sha256(folder / name) for name in fitted.files},
        libraries={**_dependencies(), **fitted.libraries},
        weights_hash=fitted.weights_hash,
    )
    write_manifest(folder, manifest, job.encoder)
    options = {"threads": job.trainer.resources.cpu}
    answers = check_model(lambda: framework.load(folder, job.code, options), job)
    bundle.forget(job.code)  # what its modules draw when they are imported is drawn again too
    check_loads(framework.load(folder, job.code, {**options, "seed": 1}), job, answers)
    return fitted.weights_hash


def _dependencies() -> dict[str, str]:
    """The project's own packages, each with the version that it was trained with; one that a
    marker leaves out is not installed."""
    found = {}
    for name in filter(None, os.environ.get(DEPENDENCIES, "").split(",")):
        with suppress(PackageNotFoundError):
            found[name] = version(name).partition("+")[0]
    return found


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
