"""KFP component of `mizzen_components.validate.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Dataset, Input, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def validate(
    tables: Input[Dataset],
    data: dict[str, Any],
    expectations: list[Any],
    version: str,
    result: Output[Artifact],
) -> NamedTuple("ValidateFigures", [("checks", int), ("warnings", int)]):
    """Check the tables against the project's expectations."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.validate:run", arguments)
