"""KFP component of `mizzen_components.register.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Dataset, Input, Model, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def register(
    model: Input[Model],
    evaluation: Input[Artifact],
    baseline: Input[Artifact],
    validation: Input[Artifact],
    sources: Input[Dataset],
    code: str,
    project: dict[str, Any],
    data_version: str,
    feature_version: str,
    git_commit: str,
    git_dirty: bool,
    package: Output[Model],
) -> NamedTuple("RegisterFigures", [("version", int)]):
    """Store the model with its whole provenance as a registered version."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.register:run", arguments)
