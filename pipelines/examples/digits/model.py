"""A small convolutional network; it sees the 64 numbers as the image that they are."""

from __future__ import annotations

from torch import Tensor, nn

from mizzen.core.encoding import Shape

PIXELS = 64


class Digits(nn.Module):
    """Two convolutions, then the classes."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(32 * 4 * 4, outputs),
        )

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Logits (rows, outputs); the flags of missing pixels, if any, are left out."""
        image = numbers[:, :PIXELS].reshape(-1, 1, 8, 8)
        logits: Tensor = self.layers(image)
        return logits


def build(inputs: Shape) -> nn.Module:
    """Called by the trainer with the widths of the encoded inputs."""
    return Digits(inputs.outputs)
