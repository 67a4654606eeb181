"""Projects, stories, and who answers."""

from __future__ import annotations

from fastapi import APIRouter

from mizzen.api.auth import Id, Number, ProjectName, StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import keepable, same
from mizzen.state.records import About, DemoStepRecord, ProjectRecord

router = APIRouter(tags=["projects"], route_class=StrictRoute)


@router.get("/about")
def about(state: StateOf) -> About:
    """The version of Mizzen and of the tables."""
    return state.about()


@router.get("/projects")
def list_projects(state: StateOf) -> list[ProjectRecord]:
    """Every project, by name."""
    return state.projects.all()


@router.put("/projects/{project}", status_code=204)
def know_project(state: StateOf, project: ProjectName, told: ProjectRecord) -> None:
    """Know a project; the same name again changes nothing."""
    same("name", told.name, project)
    keepable(told)
    state.projects.ensure(project, told.folder, told.created_at)


@router.get("/projects/{project}/stories/{story}/{position}")
def get_chapter(
    state: StateOf, project: ProjectName, story: Id, position: Number
) -> DemoStepRecord | None:
    """How far a step of a story came; null before it began."""
    return state.chapters.get(project, story, position)


@router.put("/projects/{project}/stories/{story}/{position}", status_code=204)
def keep_chapter(
    state: StateOf, project: ProjectName, story: Id, position: Number, told: DemoStepRecord
) -> None:
    """Replace what is known of a step."""
    same("project", told.project, project)
    same("story", told.story, story)
    same("position", told.position, position)
    keepable(told)
    state.chapters.keep(told)
