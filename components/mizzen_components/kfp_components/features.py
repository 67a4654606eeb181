"""KFP component of `mizzen_components.features.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Dataset, Input, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def features(
    tables: Input[Dataset],
    code: str,
    data: dict[str, Any],
    features: dict[str, Any],
    label: dict[str, Any],
    declare: bool,
    inputs_digest: str,
    frame: Output[Dataset],
    sources: Output[Dataset],
) -> NamedTuple("FeaturesFigures", [("rows", int), ("views", int), ("version", str)]):
    """Join the features point in time."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.features:run", arguments)
