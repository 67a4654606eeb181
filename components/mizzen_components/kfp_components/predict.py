"""KFP component of `mizzen_components.predict.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Dataset, Input, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def predict(
    frame: Input[Dataset],
    sources: Input[Dataset],
    model_version: int,
    project: dict[str, Any],
    predictions: Output[Dataset],
) -> NamedTuple("PredictFigures", [("rows", int), ("unknown", int)]):
    """Predict a frame of rows with a registered version."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.predict:run", arguments)
