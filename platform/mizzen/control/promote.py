"""Which version is the champion: one commit decides, everything else follows it.

The history of promotions in the state is the truth. `reconcile` makes the registry's alias and
what is served follow; it may be called at any time, and repairs what a killed process left.
"""

from __future__ import annotations

import getpass
from datetime import datetime

from mizzen.control.reconcile import reconcile
from mizzen.control.state import models
from mizzen.control.state.records import Promotion, RunRecord, VersionRecord
from mizzen.control.workspace import Workspace
from mizzen.errors import Conflict, UserError


def promote(
    workspace: Workspace,
    number: int,
    now: datetime,
    *,
    reason: str = "",
    force: bool = False,
    by: str | None = None,
) -> Promotion:
    """Make a version the champion; an older one is a rollback.

    Raises:
        NotFound: no such version.
        Conflict: the gate refused it and `force` is not set, or it is the champion already.
        UserError: `force` without a reason.
    """
    version = models.get_version(workspace.state, workspace.spec.name, number)
    _allow(version, reason, force)
    now_champion = models.champion(workspace.state, workspace.spec.name)
    if now_champion is not None and now_champion.version == number:
        reconcile(workspace)
        return now_champion
    promotion = Promotion(
        project=workspace.spec.name,
        version=number,
        previous=None,
        by=by or _user(),
        reason=reason or version.reason,
        forced=force and not version.blessed,
        at=now,
    )
    kept = models.append_promotion(workspace.state, promotion)
    reconcile(workspace)
    return kept


def promote_automatically(
    workspace: Workspace, version: VersionRecord, run: RunRecord, now: datetime
) -> Promotion | None:
    """Promote what the gate blessed, unless the champion changed since it was judged."""
    current = models.champion(workspace.state, workspace.spec.name)
    if not version.blessed or (current is not None and current.version == version.number):
        reconcile(workspace)
        return current
    promotion = Promotion(
        project=workspace.spec.name,
        version=version.number,
        previous=None,
        by="gate",
        reason=version.reason,
        forced=False,
        at=now,
    )
    try:
        kept = models.append_promotion(workspace.state, promotion, expected=run.champion)
    except Conflict:
        # two runs at once: the second was judged against a champion that is none any more
        return None
    reconcile(workspace)
    return kept


def _allow(version: VersionRecord, reason: str, force: bool) -> None:
    if version.blessed:
        return
    if not force:
        raise Conflict(
            f"the gate refused version {version.number}",
            given=version.reason,
            next_step=f"train a better one, or insist: mizzen models promote {version.number} "
            "--force --reason '...'",
        )
    if not reason.strip():
        raise UserError("--force needs a reason", next_step="add --reason '...'")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
