"""Images for the tests, built from the tree by what `make images` runs.

Which ones: MIZZEN_TEST_IMAGES, else all but torch, which takes a quarter of an hour and 6 GB.
Without root, without docker or buildah, or without a base image, what needs an image skips and
says why; with MIZZEN_CI_STRICT=1, as in CI, that is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
from imagebuild import engines
from imagebuild.build import TESTS_BASE, Options, build
from imagebuild.catalog import chosen
from imagebuild.engines import Engine
from testnode.images.store import storage_env, storage_in_use

from mizzen.errors import MizzenError

from .container import NAMES, Container

PREFIX, TAG = "mizzen.test/", "test"
Image = Callable[[str], Container]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "image" in metafunc.fixturenames:
        metafunc.parametrize("image", NAMES, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and "builder" in getattr(
            item, "fixturenames", ()
        ):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(1800))  # a cold machine fetches every library


@pytest.fixture(scope="session")
def storage() -> Iterator[None]:
    """buildah's storage is that of the cluster of the tests: layers are built once for both."""
    with pytest.MonkeyPatch.context() as patch, storage_in_use():
        for name, value in storage_env().items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def builder(storage: None) -> tuple[Engine, str]:
    """The engine and the base image."""
    if os.geteuid() != 0:
        _skip("not root: namespaces and mounts are the kernel's")
    try:
        engine = engines.choose()
    except MizzenError as error:
        _skip(str(error))
    return engine, os.environ.get("BASE_IMAGE") or _base_of_the_tests(engine)


@pytest.fixture(scope="session")
def made(builder: tuple[Engine, str], tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Builds an image when a test first asks for it."""
    engine, base = builder
    options = Options(base, PREFIX, TAG, tmp_path_factory.mktemp("bills"))

    @cache
    def make(name: str) -> Container:
        (image,) = chosen([name])
        build(engine, [image], options, lambda line: None)
        return Container(engine, name, options.name(image))

    return make


@pytest.fixture
def image(made: Image, request: pytest.FixtureRequest) -> Container:
    return made(request.param)


def _base_of_the_tests(engine: Engine) -> str:
    if TESTS_BASE in engine.names():
        return TESTS_BASE
    if engine.name != "buildah" or shutil.which("debootstrap") is None:
        _skip("no base image: set BASE_IMAGE, or install buildah and debootstrap")
    from testnode.images.base import build_base

    build_base(TESTS_BASE)
    return TESTS_BASE


def _skip(reason: str) -> NoReturn:
    if os.environ.get("MIZZEN_CI_STRICT") == "1":
        pytest.fail(f"no images, and MIZZEN_CI_STRICT=1\n{reason}", pytrace=False)
    pytest.skip(reason)
