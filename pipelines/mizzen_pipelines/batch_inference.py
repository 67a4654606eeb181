"""Predictions for a window of rows with one registered version: snapshot -> features -> predict."""

# No postponed annotations here: KFP reads the types of a pipeline's parameters from them.
from functools import partial
from typing import Any

from kfp import dsl  # type: ignore[import-untyped]

from mizzen.spec.project import ProjectSpec
from mizzen.spec.reading import reading_of
from mizzen_components.kfp_components.features import features
from mizzen_components.kfp_components.predict import predict
from mizzen_components.kfp_components.snapshot import snapshot
from mizzen_pipelines.sections import section
from mizzen_pipelines.steps import framework, reads_inputs, step


def build(spec: ProjectSpec, image: str | None = None) -> Any:
    """The project's batch inference pipeline, ready to compile; see `training.build`."""
    data, label = section(spec.data), section(spec.label)
    unlabelled: dict[str, Any] = {}  # rows to predict need no label, and it is not checked

    own = partial(step, own=spec.dependencies, image=image)

    @dsl.pipeline(name=f"{spec.name}-batch-inference")  # type: ignore[untyped-decorator]
    def batch_inference(
        code: str, source_digest: str, model_version: int, start: str = "", end: str = ""
    ) -> None:
        stored = own(
            snapshot(
                code=code,
                data=data,
                label=unlabelled,
                reading=section(reading_of(spec, labelled=False)),
                source_digest=source_digest,
                start=start,
                end=end,
            ),
            "snapshot",
            "dvc",
        )
        joined = own(
            features(
                tables=stored.outputs["tables"],
                code=code,
                data=data,
                features=section(spec.features),
                label=label,
                declare=False,
                inputs_digest=source_digest if reads_inputs(spec) else "",
            ),
            "features",
            "feast",
            "duckdb",
        )
        own(
            predict(
                frame=joined.outputs["frame"],
                sources=joined.outputs["sources"],
                model_version=model_version,
                project=section(spec),
            ),
            "predict",
            *framework(spec.trainer),
        )

    return batch_inference
