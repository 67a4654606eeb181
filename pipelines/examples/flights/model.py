"""The network of the project. Mizzen calls `build` for training and again for serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from mizzen.core.encoding import Shape

WIDTHS = (256, 128)
DROPOUT = 0.25


def build(shape: Shape) -> nn.Module:
    """A network for `shape`: see `Delays`."""
    return Delays(shape)


class Delays(nn.Module):
    """Embedded categories beside the numbers, then fully connected layers.

    forward(numbers float32 [n, p], codes int64 [n, q]) -> logits float32 [n].
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        sizes = [min(16, 1 + count // 2) for count in shape.categories]
        self.embeddings = nn.ModuleList(
            nn.Embedding(count, size) for count, size in zip(shape.categories, sizes, strict=True)
        )
        layers: list[nn.Module] = []
        width = shape.numbers + sum(sizes)
        for next_width in WIDTHS:
            layers += [nn.Linear(width, next_width), nn.ReLU(), nn.Dropout(DROPOUT)]
            width = next_width
        self.layers = nn.Sequential(*layers, nn.Linear(width, shape.outputs))

    def forward(self, numbers: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        embedded = [embed(codes[:, i]) for i, embed in enumerate(self.embeddings)]
        return self.layers(torch.cat([numbers, *embedded], dim=1)).squeeze(1)
