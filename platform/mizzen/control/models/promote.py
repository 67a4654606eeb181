"""Which version is the champion: one commit decides, everything else follows it.

The history of promotions in the state is the truth. `reconcile` makes the registry's alias and
what is served follow; it may be called at any time, and repairs what a killed process left.
"""

from __future__ import annotations

import getpass
from contextlib import suppress
from datetime import datetime

from mizzen.control.models.reconcile import reconcile
from mizzen.control.workspace import Workspace
from mizzen.errors import Conflict, TemporaryError, UserError
from mizzen.state.records import GATE, Promotion, RunRecord, VersionRecord


def promote(
    workspace: Workspace,
    number: int,
    now: datetime,
    *,
    reason: str = "",
    by: str | None = None,
    force: bool = False,
) -> Promotion:
    """Make a version the champion; an older one is a rollback, which freezes retraining.

    Args:
        force: also one that the gate held; the history says so.

    Raises:
        NotFound: no such version.
        Conflict: the gate held it, and nobody forces it.
        UserError: forced without a reason.
    """
    if force and not reason.strip():
        raise UserError(
            "whoever overrules the gate says why",
            given="no reason",
            next_step=f"mizzen models promote {number} --force --reason '...'",
        )
    version = workspace.state.models.get_version(workspace.spec.name, number)
    now_champion = workspace.state.models.champion(workspace.spec.name)
    if now_champion is not None and now_champion.version == number:
        reconcile(workspace)
        return now_champion
    promotion = Promotion(
        project=workspace.spec.name,
        version=number,
        previous=None,
        by=by or user(),
        reason=reason or f"no reason was given; the gate said: {version.reason}",
        forced=force and not version.blessed,
        at=now,
    )
    kept = workspace.state.models.append_promotion(promotion)
    reconcile(workspace)
    return kept


def promote_automatically(
    workspace: Workspace, version: VersionRecord, run: RunRecord, now: datetime
) -> Promotion | None:
    """Promote what the gate blessed, unless the champion changed since it was judged."""
    current = workspace.state.models.champion(workspace.spec.name)
    if not version.blessed or (current is not None and current.version == version.number):
        with suppress(TemporaryError):  # nothing was promoted: who is away follows the next time
            reconcile(workspace)
        return current
    promotion = Promotion(
        project=workspace.spec.name,
        version=version.number,
        previous=None,
        by=GATE,
        reason=version.reason,
        forced=False,
        at=now,
    )
    try:
        kept = workspace.state.models.append_promotion(promotion, expected=run.champion)
    except Conflict:
        # two runs at once: the second was judged against a champion that is none any more
        return None
    reconcile(workspace)
    return kept


def user() -> str:
    """Who asks, by the machine's own account."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
