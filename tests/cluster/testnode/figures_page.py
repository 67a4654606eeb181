"""`python tests/cluster figures`: the figures of the last runs as a page of the documentation.

What tests and the demo recorded is grouped by the words before the colon of a figure's name.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby

from testnode import places
from testnode.errors import ClusterError
from testnode.figures import FILE

PAGE = places.HERE.parent.parent / "docs" / "benchmarks-kubernetes.md"
HEAD = """\
# Figures on Kubernetes

What the tests of the cluster measured, in one run each: `make cluster-test-full`, then
`python tests/cluster figures`. The node, its programs and whoever asks share {cores} cores, so
these are upper bounds of what a cluster of one's own does. No test asserts on a time.

{machine}, Kubernetes {kubernetes}, Python {python}; {day}.
"""


def write_page(kubernetes: str) -> None:
    """Write docs/benchmarks-kubernetes.md.

    Raises:
        ClusterError: no run recorded any figure.
    """
    if not FILE.exists():
        raise ClusterError("no figures were recorded", next_step="make cluster-test")
    figures = json.loads(FILE.read_text())
    parts = [_head(kubernetes)]
    for area, names in groupby(sorted(figures, key=lambda name: (_area(name), name)), key=_area):
        parts.append(_table(area, {name: figures[name] for name in names}))
    PAGE.write_text("\n".join(parts))


def _head(kubernetes: str) -> str:
    return HEAD.format(
        cores=os.cpu_count(),
        machine=f"{platform.system()} {platform.machine()}",
        kubernetes=kubernetes,
        python=platform.python_version(),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def _area(name: str) -> str:
    """The words before the colon; add-ons are told apart by theirs."""
    before, colon, _ = name.partition(":")
    if before.startswith("add-on "):
        return "add-ons"
    return before if colon else "other"


def _what(name: str, area: str) -> str:
    return name.removeprefix(f"{area}:").removeprefix("add-on").strip()


def _table(area: str, figures: Mapping[str, Mapping[str, object]]) -> str:
    rows = [
        f"| {_what(name, area)} | {figure['value']:,} | {figure['unit']} |"
        for name, figure in figures.items()
    ]
    title = area[:1].upper() + area[1:]
    return "\n".join([f"## {title}\n", "| what | value | unit |", "| --- | --- | --- |", *rows, ""])
