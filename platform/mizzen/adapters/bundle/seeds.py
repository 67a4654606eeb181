"""Randomness while a project's code builds or loads a model: the same at every load.

What a `build` or `load` draws and does not keep among the weights would otherwise be another
model in each process. Training loads twice, under two seeds, and refuses a model that answers
differently; so what is served never depends on the seed that is set here.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OPTION = "seed"  # of the options that a framework's `load` takes


@contextmanager
def seeded(options: dict[str, Any]) -> Iterator[None]:
    """The global generators of Python, numpy and torch under one seed; as before afterwards."""
    import numpy as np  # here: a run whose steps are all known opens bundles and loads no model

    seed = int(options.get(OPTION, 0))
    torch = sys.modules.get("torch")  # a model that needs it has imported it
    before = random.getstate(), np.random.get_state()
    torch_before = torch.get_rng_state() if torch else None
    random.seed(seed)
    np.random.seed(seed)
    if torch:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        if torch_before is not None:
            sys.modules["torch"].set_rng_state(torch_before)
