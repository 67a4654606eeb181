"""Which model it is, whatever it was measured on: equal models answer equal rows alike, and are
served and watched alike.

`evaluate` asks whether a candidate is its own champion, `register` whether a version of it exists.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mizzen.core.encoding import Encoder
from mizzen.core.manifest import Manifest
from mizzen.spec.project import ProjectSpec


def identity_of(
    manifest: Manifest,
    encoder: Encoder,
    spec: ProjectSpec,
    code: str,
    views: Mapping[str, Mapping[str, Any]],
) -> str:
    """A digest of the weights, the encoder, the code, what the model sees and predicts, and how it
    is served and watched; empty where the framework gave its weights no hash.

    Args:
        code: digest of the project's bundle.
        views: the records of its feature views, each with its `version`.
    """
    if not manifest.weights_hash:
        return ""
    # files hold ids of their own, libraries are what computed them, views come by themselves
    own = {k: v for k, v in asdict(manifest).items() if k not in {"files", "libraries", "views"}}
    parts = [
        own,
        encoder.to_json(),
        code,
        {name: record["version"] for name, record in views.items()},
        {"key": spec.data.key, "event_time": spec.data.event_time},
        *(
            section.model_dump(mode="json")
            for section in (spec.features, spec.label, spec.serving, spec.monitoring)
        ),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
