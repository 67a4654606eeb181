"""Which version is the champion: one commit decides, everything else follows it.

The history of promotions in the state is the truth. `reconcile` makes the registry's alias and
what is served follow; it may be called at any time, and repairs what a killed process left.
"""

from __future__ import annotations

from mizzen.control.models.reconcile import reconcile
from mizzen.control.workspace import Workspace
from mizzen.errors import Conflict, StaleLease, UserError
from mizzen.state.records import Lease, Promotion, RunRecord, VersionRecord


def promote(
    workspace: Workspace, number: int, *, reason: str = "", force: bool = False
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
    models = workspace.state.models
    kept = models.promote(workspace.spec.name, number, reason=reason, force=force)
    reconcile(workspace)
    return kept


def promote_automatically(
    workspace: Workspace, version: VersionRecord, run: RunRecord, lease: Lease
) -> bool:
    """Promote what the gate blessed, unless the champion changed since it was judged; whether that
    made it the champion. What follows the champion is for the caller.

    Raises:
        StaleLease: somebody else drives the run by now.
    """
    models = workspace.state.models
    current = models.champion(workspace.spec.name)
    if not version.blessed or (current is not None and current.version == version.number):
        return False
    try:
        models.promote_blessed(workspace.spec.name, run.id, lease)
    except StaleLease:
        raise
    except Conflict:
        # two runs at once: the second was judged against a champion that is none any more
        return False
    return True
