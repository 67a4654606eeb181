"""From raw rows to a judged and registered model.

    snapshot -> validate -> features -> preprocess -> baseline
                                                   -> train -> evaluate -> if registrable: register

The project's sections are compiled in as constants; what differs between two runs of the same
description is a parameter of the pipeline.
"""

# No postponed annotations here: KFP reads the types of a pipeline's parameters from them.
from functools import partial
from typing import Any

from kfp import dsl  # type: ignore[import-untyped]

from mizzen.core.carried import label_text
from mizzen.spec.project import ProjectSpec
from mizzen.spec.reading import reading_of
from mizzen_components.kfp_components.baseline import baseline
from mizzen_components.kfp_components.evaluate import evaluate
from mizzen_components.kfp_components.features import features
from mizzen_components.kfp_components.preprocess import preprocess
from mizzen_components.kfp_components.register import register
from mizzen_components.kfp_components.snapshot import snapshot
from mizzen_components.kfp_components.train import train
from mizzen_components.kfp_components.validate import validate
from mizzen_pipelines.sections import section, sections
from mizzen_pipelines.steps import fitted_by, for_trainer, framework, reads_inputs, step


def build(spec: ProjectSpec, image: str | None = None) -> Any:
    """The project's training pipeline, ready to compile.

    Args:
        spec: the project's description.
        image: the image of every step; when absent, the smallest that holds a step's libraries.
    """
    data, label, inputs = section(spec.data), section(spec.label), section(spec.features)
    project, libraries = section(spec), framework(spec.trainer)

    task = partial(step, image=image)
    own = partial(task, own=spec.dependencies)  # steps that run the project's code

    @dsl.pipeline(name=f"{spec.name}-training", description=label_text(spec.description) or None)  # type: ignore[untyped-decorator]
    def training(
        code: str,
        source_digest: str,
        start: str = "",
        end: str = "",
        champion: str = "",
        git_commit: str = "",
        git_dirty: bool = False,
    ) -> None:
        stored = own(
            snapshot(
                code=code,
                data=data,
                label=label,
                reading=section(reading_of(spec)),
                source_digest=source_digest,
                start=start,
                end=end,
            ),
            "snapshot",
            "dvc",
        )
        tables = stored.outputs["tables"]
        checked = task(
            validate(
                tables=tables,
                data=data,
                expectations=sections(spec.expectations),
                version=stored.outputs["version"],
            ),
            "validate",
            "great-expectations",
        )
        joined = own(
            features(
                tables=tables,
                code=code,
                data=data,
                features=inputs,
                label=label,
                declare=True,
                inputs_digest=source_digest if reads_inputs(spec) else "",
            ),
            "features",
            "feast",
            "duckdb",
        ).after(checked)
        split = task(
            preprocess(
                frame=joined.outputs["frame"],
                task=spec.task,
                data=data,
                features=inputs,
                label=label,
                split=section(spec.split),
                end=end,
            ),
            "preprocess",
        )
        rows, held_out = split.outputs["train"], split.outputs["test"]
        fitted = own(
            train(
                train=rows,
                encoder=split.outputs["encoder"],
                code=code,
                task=spec.task,
                features=inputs,
                label=label,
                trainer=fitted_by(spec.trainer),
                inputs_digest=source_digest if reads_inputs(spec) else "",
            ),
            "train",
            *libraries,
        )
        for_trainer(fitted, spec.trainer)
        sketched = task(
            baseline(
                train=rows,
                features=inputs,
                label=label,
                data=data,
                monitoring=section(spec.monitoring),
                task=spec.task,
            ),
            "baseline",
        )
        judged = own(
            evaluate(
                model=fitted.outputs["model"],
                test=held_out,
                tables=tables,
                sources=joined.outputs["sources"],
                champion=champion,
                code=code,
                project=project,
            ),
            "evaluate",
            *libraries,
        )
        registrable = judged.outputs["registrable"]
        with dsl.If(registrable == True, "registrable"):  # noqa: E712 (the DSL's form)
            task(
                register(
                    model=fitted.outputs["model"],
                    evaluation=judged.outputs["evaluation"],
                    baseline=sketched.outputs["baseline"],
                    validation=checked.outputs["result"],
                    sources=joined.outputs["sources"],
                    code=code,
                    project=project,
                    data_version=stored.outputs["version"],
                    feature_version=joined.outputs["version"],
                    git_commit=git_commit,
                    git_dirty=git_dirty,
                ),
                "register",
                "mlflow",
            )

    return training
