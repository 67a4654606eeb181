"""`python -m mizzen.control.jobs.materialize --project NAME`: the newest feature values go online.

The materialization CronJob of a cluster runs it, for the views that the champion answers with.
Values come from the history that the last training declared (`feature_store.sources`); newer ones
that are online already, because they were pushed, stay. Nothing is computed here: a job of a
cluster has neither the project's folder nor its data. What ends is said.
"""

from __future__ import annotations

import sys
from datetime import datetime

from mizzen.control.features.views import stale_views
from mizzen.control.jobs.job import Champion, run_job, say
from mizzen.control.models.prepare import materialize
from mizzen.streams import guard_streams


def load_newest(champion: Champion, until: datetime) -> None:
    """Load what was known at `until`, and say how much, and which values end."""
    count = materialize(champion.workspace.place, champion.package, until)
    say(f"{count} entities of version {champion.version} hold their values of {until:%FT%TZ}")
    for stale in stale_views(champion.workspace.place, champion.package, champion.version):
        say(f"warning: {stale}")


if __name__ == "__main__":
    guard_streams()
    sys.exit(run_job(str(__doc__), load_newest, None))
