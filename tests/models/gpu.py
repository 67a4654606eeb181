"""Whether this machine has a GPU that torch can use."""

from __future__ import annotations

import pytest
import torch

NEEDS_GPU = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU"
)
