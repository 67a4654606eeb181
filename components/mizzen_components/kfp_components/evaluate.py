"""KFP component of `mizzen_components.evaluate.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Dataset, Input, Model, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def evaluate(
    model: Input[Model],
    test: Input[Dataset],
    tables: Input[Dataset],
    sources: Input[Dataset],
    champion: str,
    code: str,
    project: dict[str, Any],
    evaluation: Output[Artifact],
) -> NamedTuple(
    "EvaluateFigures",
    [
        ("metric", str),
        ("value", float),
        ("champion_value", float),
        ("blessed", bool),
        ("reason", str),
        ("registrable", bool),
    ],
):
    """Measure the model and judge it against the champion on the same rows."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.evaluate:run", arguments)
