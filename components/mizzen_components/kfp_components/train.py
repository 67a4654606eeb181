"""KFP component of `mizzen_components.train.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Dataset, Input, Model, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def train(
    train: Input[Dataset],
    encoder: Input[Artifact],
    code: str,
    task: str,
    features: dict[str, Any],
    label: dict[str, Any],
    trainer: dict[str, Any],
    inputs_digest: str,
    model: Output[Model],
) -> NamedTuple("TrainFigures", [("rows", int), ("seconds", float), ("weights", str)]):
    """Fit the model."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.train:run", arguments)
