"""Whether the images that a cluster runs the steps in hold what the steps import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mizzen.control.check.finding import Finding, refused
from mizzen.control.check.needs import imports_of_steps
from mizzen.control.workspace import Workspace
from mizzen.core.images import Contents, check, read_bill
from mizzen.core.plan import Plan
from mizzen.errors import MizzenError, UserError


def check_images(workspace: Workspace, bill: Path | None = None) -> list[Finding]:
    """One finding for each pipeline; nothing is started or pulled.

    Args:
        bill: CycloneDX as JSON, of an image of one's own that all steps are to run in; each step
            in the smallest of Mizzen's images when absent.
    """
    try:
        known = {} if bill is None else {bill.name: _read(bill)}
        return list(_findings(workspace, known))
    except MizzenError as error:
        return [refused("images", error)]


def _findings(workspace: Workspace, known: dict[str, Contents]) -> Iterator[Finding]:
    from mizzen_pipelines.compile import KINDS, plan

    imports = imports_of_steps(workspace.folder, workspace.spec)
    image = next(iter(known), None)
    for kind in KINDS:
        compiled = plan(workspace.spec, kind, workspace.place.home / "compiled", image)
        check(compiled, imports, known)
        yield Finding("ok", "images", f"{kind}: {_names(compiled)} hold what its steps import")


def _names(plan: Plan) -> str:
    return ", ".join(sorted({task.image for task in plan.tasks}))


def _read(bill: Path) -> Contents:
    try:
        return read_bill(bill.name, bill.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the bill of materials {bill} cannot be read",
            given=str(error),
            next_step="name a file that lists the image in CycloneDX's JSON",
        ) from error
