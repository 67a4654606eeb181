"""AdamW over torch's own fused kernel, without `torch.optim`.

Making any `torch.optim` optimizer imports the compiler (`torch._dynamo`: 2 to 6 s, more than
most tables take to train). The arithmetic is the same kernel's; a test holds both equal. The kernel
is not of torch's public interface: a torch without it takes the steps of `torch.optim` itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.999)
EPSILON = 1e-8
FIELDS = ("step", "mean", "square")
Tensors = list[Tensor]


class AdamW:
    """Decoupled weight decay, one rate for all parameters; its state is three lists of tensors."""

    def __init__(self, parameters: Iterable[nn.Parameter], weight_decay: float) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        self._decay = weight_decay
        self._state = {
            "step": [torch.zeros((), device=p.device) for p in self._parameters],
            "mean": [torch.zeros_like(p) for p in self._parameters],
            "square": [torch.zeros_like(p) for p in self._parameters],
        }

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter that has a gradient."""
        gradients = [p.grad for p in self._parameters]
        used = [i for i, gradient in enumerate(gradients) if gradient is not None]
        if not used:
            return
        step, mean, square = ([self._state[field][i] for i in used] for field in FIELDS)
        _move(
            [self._parameters[i] for i in used],
            [gradient for gradient in gradients if gradient is not None],
            mean,
            square,
            step,
            lr=rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=self._decay,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def tensors(self) -> dict[str, Tensor]:
        """The state under names `<parameter number>/<field>`, for a checkpoint."""
        return {
            f"{number}/{field}": tensor
            for field in FIELDS
            for number, tensor in enumerate(self._state[field])
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of `tensors`."""
        for name, own in self.tensors().items():
            own.copy_(tensors[name])


def _move(
    parameters: Tensors,
    gradients: Tensors,
    mean: Tensors,
    square: Tensors,
    step: Tensors,
    **numbers: Any,
) -> None:
    if hasattr(torch, "_fused_adamw_"):
        torch._foreach_add_(step, 1.0)
        torch._fused_adamw_(parameters, gradients, mean, square, [], step, **numbers)
        return
    from torch.optim.adamw import adamw

    adamw(parameters, gradients, mean, square, [], step, foreach=False, fused=False, **numbers)
