"""KFP component of `mizzen_components.preprocess.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Dataset, Input, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def preprocess(
    frame: Input[Dataset],
    task: str,
    data: dict[str, Any],
    features: dict[str, Any],
    label: dict[str, Any],
    split: dict[str, Any],
    end: str,
    train: Output[Dataset],
    test: Output[Dataset],
    encoder: Output[Artifact],
) -> NamedTuple(
    "PreprocessFigures",
    [
        ("train_rows", int),
        ("test_rows", int),
        ("unlabelled", int),
        ("withheld", int),
        ("incomplete", int),
        ("label_delay", float),
    ],
):
    """Split without leaks and fit the encoder on training rows."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.preprocess:run", arguments)
