"""Which results of steps are known already: keys from content, outputs kept by content."""

from mizzen.adapters.cache.key import StepKeys
from mizzen.adapters.cache.store import Entry, PruneResult, StepCache

__all__ = ["Entry", "PruneResult", "StepCache", "StepKeys"]
