"""How the model is trained, measured and judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from mizzen.spec.columns import Column, Duration, FunctionRef, Name, Section

Quantity = Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi)$")]


class SplitByTime(Section):
    """The last `test` of the window is held out; training sees only what came before."""

    by: Literal["time"] = Field(description="by the event time")
    test: Duration = Field(description="how much of the window's end is held out")


class SplitByKey(Section):
    """A share of the keys, chosen by their hash, is held out; a key is never on both sides."""

    by: Literal["key"] = Field(description="by the hash of the key")
    test: Annotated[float, Field(gt=0, lt=1)] = Field(description="share that is held out")
    group: tuple[Column, ...] = Field(
        default=(), description="columns that stay together on one side; the key when absent"
    )


class Gpu(Section):
    """GPUs of one process group member; `type` is the node's accelerator label."""

    count: Annotated[int, Field(ge=1)] = Field(description="how many")
    type: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}(/[A-Za-z0-9._-]{1,63})?$")] = Field(
        default="nvidia.com/gpu", description="the accelerator's label on a cluster"
    )


class Resources(Section):
    """What the training step asks for. Locally `cpu` sets the threads of each process."""

    cpu: Annotated[int, Field(ge=1)] = Field(
        default=1, description="cores, and threads, of each process; part of what is computed"
    )
    memory: Quantity = Field(default="2Gi", description="memory of the step, in Mi or Gi")
    gpu: Gpu | None = Field(
        default=None, description="demand GPUs; without it one is used where there is one"
    )
    nodes: Annotated[int, Field(ge=1)] = Field(
        default=1, description="machines; the local runner has one"
    )
    processes_per_node: Annotated[int, Field(ge=1)] = Field(
        default=1, description="processes that train one torch model together, by torchrun"
    )


class Trainer(Section):
    """Who fits the model.

    `torch`: `model` names a function `build(inputs: mizzen.core.encoding.Shape) ->
    torch.nn.Module`. `lightgbm`: parameters are LightGBM's own. `python`: `function` names the
    project's own trainer (see docs/how-to/own-trainer.md).
    """

    kind: Name = Field(description="`torch`, `lightgbm` or `python`")
    model: FunctionRef | None = Field(
        default=None, description="torch: the function that builds the network"
    )
    function: FunctionRef | None = Field(
        default=None, description="python: the project's `fit`; `load` stands in the same file"
    )
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict, description="the trainer's own; an unknown name is an error"
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of everything random")
    timeout: Duration | None = Field(
        default=None, description="after this a training attempt is ended; never when absent"
    )
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=0,
        description="further attempts after an error that is retryable, as the page of errors says",
    )
    resources: Resources = Field(default=Resources(), description="what the training step asks for")

    @model_validator(mode="after")
    def _function(self) -> Trainer:
        if self.kind == "torch" and self.model is None:
            raise ValueError("a torch trainer needs `model: module:function`")
        if self.kind == "python" and self.function is None:
            raise ValueError("a python trainer needs `function: module:function`")
        return self


def load_of(function: str) -> str:
    """What reads a model back that the project's own `trainer.function` fitted: `load`, in the
    same module."""
    return function.partition(":")[0] + ":load"


class Evaluation(Section):
    """What is measured on the held-out rows; the first metric is the primary one."""

    metrics: tuple[Name, ...] = Field(
        min_length=1, description="names of metrics; the gate judges by the first"
    )
    slices: tuple[Column, ...] = Field(
        default=(), description="columns; each of their values is measured by itself"
    )
    resamples: Annotated[int, Field(ge=100, le=100_000)] = Field(
        default=500, description="resamples of the bootstrap"
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        default=0.95, description="confidence of every interval"
    )


class NoHarm(Section):
    """No slice with at least `min_rows` rows may be worse by more than `tolerance`."""

    tolerance: Annotated[float, Field(ge=0)] = Field(
        default=0.02, description="by how much of the primary metric a slice may be worse"
    )
    min_rows: Annotated[int, Field(ge=1)] = Field(
        default=500, description="a slice with fewer rows is not judged"
    )


class Gate(Section):
    """When a candidate may replace the champion, on the primary metric.

    `margin`: the lower bound of the paired difference must exceed it (negative allows a
    candidate that is not worse). `floor`: the worst value accepted when there is no champion.
    `fresh_rows`: from so many held-out rows on that neither model was trained on, they alone are
    compared; with fewer all are, and the verdict says how the champion is favoured.
    """

    margin: float = Field(
        default=0.0,
        description="what the lower bound of the gain must exceed; negative lets in a candidate "
        "that is not proven worse",
    )
    floor: float | None = Field(
        default=None,
        description="worst value accepted of a project's first model; it replaces no champion",
    )
    fresh_rows: Annotated[int, Field(ge=1)] = Field(
        default=200,
        description="held-out rows that neither model was trained on, from which on they alone "
        "are compared",
    )
    no_harm: NoHarm = Field(default=NoHarm(), description="what no slice may lose")
    promote: Literal["automatic", "manual"] = Field(
        default="automatic",
        description="whether a blessed version becomes champion by itself",
    )
