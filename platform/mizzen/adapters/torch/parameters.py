"""What `trainer.parameters` may hold for `kind: torch`. Unknown names are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from mizzen.errors import InvalidProject
from mizzen.spec.columns import Section

Share = Annotated[float, Field(ge=0, lt=1)]


class TorchParameters(Section):
    """AdamW with a warm-up and a schedule; the loss follows the task.

    `lr` is the highest learning rate; it rises over the `warmup` share of all steps and falls
    by `schedule` to zero. `clip`: largest norm of the gradient, 0 for none. `average`: decay
    per step of a running average of the weights, which is what is kept; 0 for none.
    `precision`: `auto` is bfloat16 autocast on a GPU that has it, float32 elsewhere.
    """

    epochs: Annotated[int, Field(ge=1)] = 10
    batch_size: Annotated[int, Field(ge=1)] = 1024
    lr: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Share = 0.1
    clip: Annotated[float, Field(ge=0)] = 1.0
    average: Share = 0.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


def read_parameters(given: Mapping[str, Any]) -> TorchParameters:
    """The trainer's parameters with defaults.

    Raises:
        InvalidProject: an unknown name, or a value out of range.
    """
    try:
        return TorchParameters.model_validate(dict(given), strict=False)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        known = ", ".join(TorchParameters.model_fields)
        if fault["type"] == "extra_forbidden":
            raise InvalidProject(
                f"unknown parameter {name!r} of the torch trainer", given=name, allowed=known
            ) from None
        raise InvalidProject(
            f"trainer.parameters.{name}: {fault['msg']}", given=fault["input"]
        ) from None
