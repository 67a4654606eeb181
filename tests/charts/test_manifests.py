"""manifests/ is what the charts make of each profile, in a namespace that is restricted."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
import yaml

from .rendering import ROOT

FOLDER = ROOT / "manifests"
PROFILES = ("dev", "staging", "prod")


@pytest.mark.parametrize("profile", PROFILES)
def test_the_committed_manifests_are_rendered(helm_program: str, profile: str) -> None:
    for name, text in generator().rendered(helm_program, profile).items():
        assert (FOLDER / profile / name).read_text() == text, f"{name}: run make generate"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_namespace_is_restricted(profile: str) -> None:
    namespace = yaml.safe_load((FOLDER / profile / "namespace.yaml").read_text())
    labels = namespace["metadata"]["labels"]
    for mode in ("enforce", "warn", "audit"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_manifests_hold_no_secret(profile: str) -> None:
    for file in (FOLDER / profile).glob("*.yaml"):
        objects = [o for o in yaml.safe_load_all(file.read_text()) if o]
        assert [o for o in objects if o["kind"] == "Secret"] == []


def generator() -> ModuleType:
    """`python manifests` is a program, not a package."""
    spec = importlib.util.spec_from_file_location("manifests_main", FOLDER / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
