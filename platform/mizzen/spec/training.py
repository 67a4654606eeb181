"""How the model is trained, measured and judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from mizzen.spec.columns import Column, Duration, FunctionRef, Name, Section

Quantity = Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi)$")]


class SplitByTime(Section):
    """The last `test` of the window is held out; training sees only what came before."""

    by: Literal["time"]
    test: Duration


class SplitByKey(Section):
    """A share of the keys, chosen by their hash, is held out; a key is never on both sides."""

    by: Literal["key"]
    test: Annotated[float, Field(gt=0, lt=1)]
    group: tuple[Column, ...] = Field(default=(), description="instead of the row's key")


class Gpu(Section):
    """GPUs of one process group member; `type` is the node's accelerator label."""

    count: Annotated[int, Field(ge=1)]
    type: str = "nvidia.com/gpu"


class Resources(Section):
    """What the training step asks for. Locally `cpu` sets the threads of each process."""

    cpu: Annotated[int, Field(ge=1)] = 1
    memory: Quantity = "2Gi"
    gpu: Gpu | None = None
    nodes: Annotated[int, Field(ge=1)] = 1
    processes_per_node: Annotated[int, Field(ge=1)] = 1


class Trainer(Section):
    """Who fits the model.

    `torch`: `model` names a function `build(inputs: mizzen.core.encoding.Shape) ->
    torch.nn.Module`. `lightgbm`: parameters are LightGBM's own. `python`: `function` names the
    project's own trainer (see docs/how-to/own-trainer.md).
    """

    kind: Name
    model: FunctionRef | None = None
    function: FunctionRef | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    seed: Annotated[int, Field(ge=0)] = 0
    timeout: Duration | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _function(self) -> Trainer:
        if self.kind == "torch" and self.model is None:
            raise ValueError("a torch trainer needs `model: module:function`")
        if self.kind == "python" and self.function is None:
            raise ValueError("a python trainer needs `function: module:function`")
        return self


class Evaluation(Section):
    """What is measured on the held-out rows; the first metric is the primary one."""

    metrics: tuple[Name, ...] = Field(min_length=1)
    slices: tuple[Column, ...] = ()
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 500
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class NoHarm(Section):
    """No slice with at least `min_rows` rows may be worse by more than `tolerance`."""

    tolerance: Annotated[float, Field(ge=0)] = 0.02
    min_rows: Annotated[int, Field(ge=1)] = 500


class Gate(Section):
    """When a candidate may replace the champion, on the primary metric.

    `margin`: the lower bound of the paired difference must exceed it (negative allows a
    candidate that is not worse). `floor`: the worst value accepted when there is no champion.
    """

    margin: float = 0.0
    floor: float | None = None
    no_harm: NoHarm = NoHarm()
    promote: Literal["automatic", "manual"] = "automatic"
