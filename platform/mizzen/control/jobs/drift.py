"""`python -m mizzen.control.jobs.drift --project NAME`: looks once at what the champion answered.

The drift CronJob of a cluster runs it. Its windows are stored in the state, the figures pushed
(`metrics.pushgateway` of the profile), the report kept beside the version in MLflow. An alarm is
a result: the exit status is 0; what retrains is the stored alarm, never this job.
"""

from __future__ import annotations

import sys
from datetime import datetime

from mizzen.control.jobs.job import Champion, run_job, say
from mizzen.control.monitoring import tick
from mizzen.streams import guard_streams


def inspect(champion: Champion, until: datetime) -> None:
    """Judge the windows that nobody judged yet, and say what was found."""
    for window in tick.inspect(champion.workspace, until).windows:
        start = "the beginning" if window.start is None else f"{window.start:%FT%TZ}"
        say(f"{window.kind} of version {window.version}, {start} to {window.end:%FT%TZ}:")
        why = f": {window.figures['reason']}" if window.judged else ""
        say(f"  {window.verdict}{why}")
        if window.report is not None:
            say(f"  report: {window.report}")


if __name__ == "__main__":
    guard_streams()
    sys.exit(run_job(str(__doc__), inspect, None))
