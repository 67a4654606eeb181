"""Versions of feature views: what a model must be measured and served with.

A version is a view's declaration, the code that computes it and the files that the code read. Two
versions of one view are two things, offline and online; new data is a new history of the same
version. A model's manifest records the versions that it was trained with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mizzen.errors import IntegrityError
from mizzen.spec.features import FeatureView
from mizzen.spec.project import ProjectSpec


class VersionedView(FeatureView):
    """A view of which the version is known; everything that stores values goes by it."""

    version: str
    code: str = ""
    files: tuple[tuple[str, str], ...] = ()

    def record(self) -> dict[str, Any]:
        """What a manifest keeps of it: `version`, `code` (a hash), `files` (path -> SHA-256)."""
        return {"version": self.version, "code": self.code, "files": dict(self.files)}


def versioned(view: FeatureView, code: str, files: Mapping[str, str]) -> VersionedView:
    """The version of a view.

    Args:
        code: a hash over the modules that the view's function is made of.
        files: SHA-256 of each file of the project that the function read, by its path.
    """
    known = tuple(sorted(files.items()))
    document = [_declaration(view), code, known]
    version = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]
    return _with(view, {"version": version, "code": code, "files": known})


def version_of(views: Sequence[FeatureView]) -> str:
    """One text for the versions of several views, in their order; "" for none. A view without a
    version (nothing computes it here) counts by its declaration."""
    if not views:
        return ""
    documents = [_identity(view) for view in views]
    text = json.dumps(documents, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def views_of(
    project: ProjectSpec, records: Mapping[str, Mapping[str, Any]]
) -> tuple[VersionedView, ...]:
    """The views of a registered model, each in the version that its manifest records.

    Raises:
        IntegrityError: the manifest lacks one: the package is of an older Mizzen.
    """
    used = project.features.used_views
    lacking = [view.name for view in used if view.name not in records]
    if lacking:
        raise IntegrityError(
            "the package does not say which versions of its feature views it needs",
            given=", ".join(lacking),
            allowed="a package of this version of Mizzen",
            next_step="train again and promote the new version: mizzen run",
        )
    return tuple(_with(view, _read(records[view.name])) for view in used)


def _read(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "files": tuple(sorted(record["files"].items()))}


def _declaration(view: FeatureView) -> dict[str, Any]:
    """What the description says of a view, whichever version of it this is."""
    return view.model_dump(mode="json", include=set(FeatureView.model_fields))


def _with(view: FeatureView, known: Mapping[str, Any]) -> VersionedView:
    return VersionedView.model_validate({**_declaration(view), **known})


def _identity(view: FeatureView) -> Any:
    if isinstance(view, VersionedView):
        return [view.name, view.version]
    return view.model_dump(mode="json")
