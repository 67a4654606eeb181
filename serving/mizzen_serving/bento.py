"""What the one-line `service.py` of a Bento calls; see `package`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.core.place import VARIABLE, Place
from mizzen.errors import IntegrityError
from mizzen.spec.profile import Profile
from mizzen_serving.app import ServingApp
from mizzen_serving.contract import contract_of
from mizzen_serving.model import read_project
from mizzen_serving.openapi import Document, document
from mizzen_serving.options import VARIABLE as OPTIONS_VARIABLE
from mizzen_serving.options import WITHOUT_MODEL, ServeOptions
from mizzen_serving.service import make_service

if TYPE_CHECKING:
    from bentoml import Service

HOME_VARIABLE = "MIZZEN_HOME"


def packed_service(package: Path, version: int) -> Service[Any]:
    """The service of a package. Where it keeps its prediction log: in the place that
    MIZZEN_PLACE tells, else in the folder MIZZEN_HOME, else in `~/.mizzen`."""
    project = read_project(package)

    def start() -> tuple[ServeOptions, Place]:
        options = ServeOptions(package, version)
        return options.with_environment(), _place(project.name)

    return make_service(project.name, ServingApp(), start, _description(package, version))


def fetched_service() -> Service[Any]:
    """The service of a Bento without a model. MIZZEN_SERVING says which registered package it
    serves, as in `{"package": "/models/package", "version": 3}`; for the place see
    `packed_service`. So one Bento serves every version of every project. BentoML's clients know
    the project's columns when the variable is there on import, as it is not when it is built."""

    def start() -> tuple[ServeOptions, Place]:
        options = ServeOptions.from_environment()
        return options, _place(read_project(options.package).name)

    told = None
    if OPTIONS_VARIABLE in os.environ:
        options = ServeOptions.from_environment()
        told = _description(options.package, options.version)
    return make_service(WITHOUT_MODEL, ServingApp(), start, told)


def open_service(options: ServeOptions, place: Place) -> Service[Any]:
    """What the server answers with: the Bento of the options, else the same service as this
    Mizzen has it. `application` of the service is the `ServingApp` within.

    Raises:
        IntegrityError: the folder is no Bento of Mizzen's.
    """
    if options.bento is None:
        told = _description(options.package, options.version)
        return make_service(place.project, ServingApp(), lambda: (options, place), told)
    import bentoml

    os.environ[OPTIONS_VARIABLE] = options.for_bento()
    try:
        service = bentoml.load(str(options.bento))
    except (bentoml.exceptions.BentoMLException, ImportError, OSError) as error:
        raise _no_bento(options.bento, error) from error
    if not isinstance(getattr(service, "application", None), ServingApp):
        raise _no_bento(options.bento, type(service).__name__)
    return service


def _description(package: Path, version: int) -> Document:
    project, (_, encoder) = read_project(package), read_manifest(package)
    return document(project, version, contract_of(project, encoder=encoder))


def _no_bento(folder: Path, given: object) -> IntegrityError:
    return IntegrityError(
        f"{folder} is no Bento that Mizzen serves with",
        given=given,
        allowed="/usr/share/mizzen/bento in Mizzen's images, or a folder of `build_without_model`",
        next_step="build the image on mizzen/serving, or leave --bento out to serve with the "
        "installed Mizzen",
    )


def _place(project: str) -> Place:
    if VARIABLE in os.environ:
        return Place.from_environment(os.environ)
    home = Path(os.environ.get(HOME_VARIABLE, "~/.mizzen")).expanduser().absolute()
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    return Place(project, home, profile)
