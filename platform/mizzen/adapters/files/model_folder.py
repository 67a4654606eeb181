"""Reads and writes what a folder with a model says about itself, see `mizzen.core.manifest`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from mizzen.core.baseline import Baseline
from mizzen.core.encoding import Encoder
from mizzen.core.manifest import ENCODER, MANIFEST, Manifest, manifest_of
from mizzen.errors import IntegrityError


def write_manifest(folder: Path, manifest: Manifest, encoder: Encoder) -> None:
    """Write the manifest and the encoder into a model folder."""
    (folder / ENCODER).write_text(encoder.to_json(), encoding="utf-8")
    text = json.dumps(asdict(manifest), sort_keys=True, indent=1)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> tuple[Manifest, Encoder]:
    """The manifest and the encoder of a model folder or package.

    Raises:
        IntegrityError: no manifest, or one of another schema or another reading.
    """
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = manifest_of(document, f"{folder}")
        encoder = Encoder.from_json((folder / ENCODER).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"{folder} holds no model", given=error, next_step="register or fetch it again"
        ) from None
    return manifest, encoder


def read_baseline(file: Path) -> Baseline:
    """The baseline in a file.

    Raises:
        IntegrityError: no file, or not a baseline.
    """
    try:
        return Baseline.from_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise IntegrityError(
            "the model has no baseline", given=error, next_step="train and register it again"
        ) from None
