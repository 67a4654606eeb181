"""Whether the images that a cluster runs the steps in hold what the steps import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mizzen.adapters.images.contents import ImageContents, check, read_sbom
from mizzen.control.check.finding import Finding, refused
from mizzen.control.check.needs import imports_of_steps
from mizzen.control.workspace import Workspace
from mizzen.core.plan import Plan
from mizzen.errors import MizzenError, UserError


def check_images(workspace: Workspace, sbom: Path | None = None) -> list[Finding]:
    """One finding for each pipeline; nothing is started or pulled.

    Args:
        sbom: CycloneDX as JSON, of an image of one's own that all steps are to run in; each step
            in the smallest of Mizzen's images when absent.
    """
    try:
        known = {} if sbom is None else {sbom.name: _read(sbom)}
        return list(_findings(workspace, known))
    except MizzenError as error:
        return [refused("images", error)]


def _findings(workspace: Workspace, known: dict[str, ImageContents]) -> Iterator[Finding]:
    from mizzen_pipelines.compile import KINDS, plan

    imports = imports_of_steps(workspace.folder, workspace.spec)
    image = next(iter(known), None)
    for kind in KINDS:
        compiled = plan(workspace.spec, kind, workspace.place.home / "compiled", image)
        check(compiled, imports, known)
        yield Finding("ok", "images", f"{kind}: {_names(compiled)} hold what its steps import")


def _names(plan: Plan) -> str:
    return ", ".join(sorted({task.image for task in plan.tasks}))


def _read(sbom: Path) -> ImageContents:
    try:
        return read_sbom(sbom.name, sbom.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the bill of materials {sbom} cannot be read",
            given=str(error),
            next_step="name a file that lists the image in CycloneDX's JSON",
        ) from error
