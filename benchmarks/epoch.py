"""One training epoch of an MLP 20-128-128-1 on 800,000 x 20: ours beside torch's DataLoader.

Same module, rows, batch size, loss and optimizer in the same process and threads, one epoch
each, on a GPU where there is one. What differs is how batches are made: one gather for each
batch, or rows collated one by one, as `DataLoader(TensorDataset(...))` does.
"""

from __future__ import annotations

import os
import time
from typing import Any

ROWS, COLUMNS, BATCH = 800_000, 20, 4096


def run(quick: bool) -> list[dict[str, Any]]:
    """Figures of both sides; `quick` takes a tenth of the rows."""
    import torch
    from torch import nn

    from mizzen.adapters.torch.loop import Fit, Rows
    from mizzen.adapters.torch.parameters import TorchParameters
    from mizzen.adapters.torch.runtime import Group, choose_device, deterministic
    from mizzen.core.encoding import Shape

    count = ROWS // 10 if quick else ROWS
    device = choose_device(Group())
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(count, COLUMNS, generator=generator)
    labels = (numbers[:, 0] + torch.randn(count, generator=generator) > 0).float()
    codes = torch.empty(count, 0, dtype=torch.int64)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Linear(COLUMNS, 128),
                nn.ReLU(),
                nn.Linear(128, 128),
                nn.ReLU(),
                nn.Linear(128, 1),
            )

        def forward(self, numbers: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = self.layers(numbers)
            return answer[:, 0]

    def ours() -> None:
        parameters = TorchParameters(epochs=1, batch_size=BATCH, clip=0.0, precision="float32")
        fit = Fit(
            module=Network().to(device),
            task="binary",
            shape=Shape(COLUMNS, (), 1),
            parameters=parameters,
            seed=0,
            device=device,
            group=Group(),
        )
        fit.run(Rows(*(part.to(device) for part in (numbers, codes, labels))), None)

    def theirs() -> None:
        from torch.utils.data import DataLoader, TensorDataset

        network = Network().to(device)
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
        batches = DataLoader(TensorDataset(numbers, labels), BATCH, shuffle=True, drop_last=True)
        loss_of = nn.BCEWithLogitsLoss()
        for batch, wanted in batches:
            loss = loss_of(network(batch.to(device), codes), wanted.to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    threads = os.cpu_count() or 1
    torch.optim.AdamW(Network().parameters())  # its first use imports the compiler
    sides = {"mizzen": ours, "torch DataLoader": theirs}
    where = f"{threads} threads"
    if device.type == "cuda":
        where = torch.cuda.get_device_name(device)
        ours()  # the first use of a GPU loads its libraries
    work = f"epoch of an MLP 20-128-128-1, {count:,} x {COLUMNS}, batch {BATCH}, {where}"
    with deterministic(threads):
        seconds = {who: _seconds(side) for who, side in sides.items()}
    return [
        {
            "who": who,
            "work": work,
            "seconds": round(value, 3),
            "rows a second": round(count / value),
        }
        for who, value in seconds.items()
    ]


def _seconds(work: Any) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    for row in run(quick=False):
        print(row)
