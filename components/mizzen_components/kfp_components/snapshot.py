"""KFP component of `mizzen_components.snapshot.run`."""

# mypy: disable-error-code="import-untyped, valid-type, untyped-decorator, no-any-return"

from typing import Any, NamedTuple

from kfp.dsl import Dataset, Output, component

from mizzen_components.kfp_components.image import CORE


@component(base_image=CORE, install_kfp_package=False)
def snapshot(
    code: str,
    data: dict[str, Any],
    label: dict[str, Any],
    reading: dict[str, Any],
    source_digest: str,
    start: str,
    end: str,
    tables: Output[Dataset],
) -> NamedTuple("SnapshotFigures", [("version", str), ("rows", int), ("unlabelled", int)]):
    """Store the rows of a window as an immutable version."""
    arguments = dict(locals())
    from mizzen_components.kfp_entrypoint import call

    return call("mizzen_components.snapshot:run", arguments)
