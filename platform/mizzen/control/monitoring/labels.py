"""What predictions turned out to be: from people and files into the log.

On one machine the log is here, and with it which predictions there were. Through a control API
the model's service checks the same and keeps them; it knows the predictions of its own log only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.control.backends import packages_folder, prediction_log, registry_of
from mizzen.control.models.predictions import api_of
from mizzen.control.workspace import Workspace
from mizzen.core.true_labels import GivenLabel, LabelRule, read_labels, refusal

PART = 10_000  # labels of one request


@dataclass(frozen=True, slots=True)
class LabelResult:
    """`accepted`: labels kept for predictions that are logged. `unknown`: ids that no logged
    prediction has; their labels were left out. `unconfirmed`: ids that the service's own log
    does not hold; their labels are kept and count once the shipped logs hold the prediction."""

    accepted: int
    unknown: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()


def add_labels(workspace: Workspace, given: Sequence[GivenLabel]) -> LabelResult:
    """Keep what logged predictions turned out to be; needs no running service on one machine.

    Raises:
        InvalidData: a label that cannot be taken, by row, id and value; none is kept.
        NotFound: a prediction of a version whose classes nobody knows.
    """
    if workspace.place.profile.control.url is not None:
        return _send(workspace, given)
    log = prediction_log(workspace.place)
    versions = log.versions_of({g.prediction_id for g in given if isinstance(g.prediction_id, str)})
    kept, faults = read_labels(given, _rule_of(workspace, versions), datetime.now(UTC))
    if faults:
        raise refusal(faults, len(given))
    try:
        if kept:
            log.label(kept)
    finally:
        log.close()  # durable before we say so
    unknown = (str(g.prediction_id) for g in given if g.prediction_id not in versions)
    return LabelResult(len(kept), tuple(dict.fromkeys(unknown)))


def _rule_of(
    workspace: Workspace, versions: Mapping[str, int]
) -> Callable[[str], LabelRule | None]:
    """Prediction id -> the rule of the version that answered."""
    task = workspace.spec.task

    @cache
    def of_version(version: int) -> LabelRule:
        if task == "regression":
            return LabelRule(task, ())
        folder = packages_folder(workspace.place)
        package = registry_of(workspace).fetch(workspace.spec.name, version, folder)
        return LabelRule(task, read_manifest(package)[1].classes)

    return lambda name: of_version(versions[name]) if name in versions else None


def _send(workspace: Workspace, given: Sequence[GivenLabel]) -> LabelResult:
    """In parts; of several, nothing is kept before the service has looked at all of them."""
    api, path = api_of(workspace), f"/projects/{workspace.spec.name}/labels"
    labels = [_fields(label) for label in given]
    parts = [labels[at : at + PART] for at in range(0, len(labels), PART)]
    if len(parts) > 1:
        for part in parts:
            api.write("POST", path, {"labels": part, "dry_run": True})
    accepted, unconfirmed = 0, []
    for part in parts:
        answer = api.write("POST", path, {"labels": part})
        accepted += answer["accepted"]
        unconfirmed += answer.get("unconfirmed", ())
    return LabelResult(accepted, (), tuple(dict.fromkeys(unconfirmed)))


def _fields(label: GivenLabel) -> dict[str, object]:
    at = {} if label.at is None else {"at": label.at}
    return {"prediction_id": label.prediction_id, "value": label.value, "where": label.where, **at}
