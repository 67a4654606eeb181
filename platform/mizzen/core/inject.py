"""Gives a compiled pipeline what only a submission knows: place, images, environment, settings.

A pipeline is compiled once and runs in many places. Whoever submits it to Kubeflow Pipelines, or
runs it under `kfp.local`, hands it to `inject` first; the local runner gives its steps the same
through their processes. Pure: the pipeline that is given stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from mizzen.core.ir_task import TIMEOUT, resources
from mizzen.core.output_names import name_outputs
from mizzen.core.place import VARIABLE, Place
from mizzen.core.reproducible import reproducible, threads_of
from mizzen.errors import UserError
from mizzen.masking import holds_credentials

Ir = Mapping[str, Any]
RUN_ID = "MIZZEN_RUN_ID"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One value of a Kubernetes Secret in the namespace of the run."""

    secret: str
    key: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What of one submission is no place.

    run_id: what a registered version says that it came from.
    images: image as compiled -> image to run, such as one of another registry by its digest; an
        image that is not here stays.
    environment: variables of every step, as text that anybody may read.
    secrets: variables of every step whose values stay in Secrets. `MIZZEN_PLACE` may be one.
    kubernetes: fields of KFP's KubernetesExecutorConfig (imagePullSecret, nodeSelector, ...) of
        every step.
    """

    run_id: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretKey] = field(default_factory=dict)
    kubernetes: Mapping[str, Any] = field(default_factory=dict)


DEFAULTS = Settings()


def inject(pipeline: Ir, place: Place, settings: Settings = DEFAULTS) -> dict[str, Any]:
    """The pipeline, ready to submit; what it says itself gives way where both say something.

    Args:
        pipeline: both documents as one, as `mizzen.adapters.kfp.compiler.parse` gives them:
            the pipeline itself, and under `platforms` what Kubernetes is asked for.
        place: as the steps see it; its home is a folder of their machine.

    Raises:
        UserError: a value that KFP would store readable holds credentials, or is a template.
    """
    injected = deepcopy(dict(pipeline))
    given = _environment(place, settings)
    for label, executor in injected["deploymentSpec"]["executors"].items():
        if "container" in executor:
            container = executor["container"]
            container["image"] = settings.images.get(container["image"], container["image"])
            _add(injected, label, _kubernetes(settings, _variables(container)))
            container["env"] = _env(container, given, settings.secrets)
    for dag in _dags(injected):
        for task in dag["tasks"].values():
            if "cachingOptions" in task:
                # KFP's key of a result knows artifacts by name, and nothing of registry and
                # stores: a hit would skip `register` where no version is yet
                task["cachingOptions"] = {}
            name_outputs(injected["components"][task["componentRef"]["name"]], task)
    return injected


def _environment(place: Place, settings: Settings) -> dict[str, str]:
    run = {RUN_ID: settings.run_id} if settings.run_id else {}
    given = {**settings.environment, **place.to_environment(), **run}
    readable = {name: text for name, text in given.items() if name not in settings.secrets}
    addresses = place.profile.addresses() if VARIABLE in readable else []
    if any(holds_credentials(address or "") for address in addresses):
        raise UserError(
            "an address of the profile holds credentials, and KFP stores pipelines readable",
            next_step="take them out of the address and give them by a Secret, or the whole "
            f"place: Settings(secrets={{{VARIABLE!r}: SecretKey(...)}})",
        )
    for name, text in readable.items():
        if "{{" in text:  # Argo, below KFP, replaces it and knows no escape
            raise UserError(
                f"{name} holds double braces, which Argo reads as a template",
                next_step="write it without them, or give it by a Secret",
            )
    return readable


def _variables(container: Ir) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}


def _env(
    container: Ir, given: Mapping[str, str], secrets: Mapping[str, SecretKey]
) -> list[dict[str, str]]:
    own = _variables(container)
    threads = threads_of(own, resources(container.get("resources", {})).cpu)
    merged = {**reproducible(threads), **own, **given}
    return [{"name": n, "value": text} for n, text in merged.items() if n not in secrets]


def _kubernetes(settings: Settings, own: Mapping[str, str]) -> dict[str, Any]:
    asked = dict(settings.kubernetes)
    if TIMEOUT in own:
        asked["activeDeadlineSeconds"] = math.ceil(float(own[TIMEOUT]))
    if settings.secrets:
        keys = [_secret(name, key) for name, key in sorted(settings.secrets.items())]
        asked["secretAsEnv"] = [*asked.get("secretAsEnv", ()), *keys]
    return asked


def _secret(variable: str, found: SecretKey) -> dict[str, Any]:
    return {
        "secretName": found.secret,  # what KFP before 2.5 reads
        "secretNameParameter": {"runtimeValue": {"constant": found.secret}},
        "keyToEnv": [{"secretKey": found.key, "envVar": variable}],
        "optional": False,
    }


def _add(pipeline: dict[str, Any], label: str, asked: Ir) -> None:
    """To the second document: lists grow, mappings are merged, anything else is replaced."""
    if not asked:
        return
    kubernetes = pipeline.setdefault("platforms", {}).setdefault("kubernetes", {})
    executors = kubernetes.setdefault("deploymentSpec", {}).setdefault("executors", {})
    executors[label] = _merged(executors.get(label), asked)


def _merged(own: Any, asked: Any) -> Any:
    if isinstance(own, Mapping) and isinstance(asked, Mapping):
        return {**own, **{name: _merged(own.get(name), part) for name, part in asked.items()}}
    if isinstance(own, list) and isinstance(asked, list):
        return [*own, *(deepcopy(part) for part in asked if part not in own)]
    return deepcopy(asked)


def _dags(pipeline: Ir) -> Iterator[Ir]:
    yield pipeline["root"]["dag"]
    yield from (part["dag"] for part in pipeline["components"].values() if "dag" in part)
