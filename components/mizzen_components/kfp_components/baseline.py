"""KFP component of `mizzen_components.baseline.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Dataset, Input, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def baseline(
    train: Input[Dataset],
    features: dict[str, Any],
    label: dict[str, Any],
    data: dict[str, Any],
    monitoring: dict[str, Any],
    task: str,
    baseline: Output[Artifact],
) -> NamedTuple("BaselineFigures", [("columns", int)]):
    """Sketch the training rows and calibrate drift thresholds."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.baseline:run", arguments)
