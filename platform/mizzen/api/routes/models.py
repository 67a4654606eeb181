"""Versions, the champion, and the history of promotions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request, Response

from mizzen.api.auth import Id, IdempotencyKey, Number, ProjectName, StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import keepable
from mizzen.api.pages import AfterNumber, Limit, lead_on
from mizzen.state.records import Lease, Promotion, VersionRecord

router = APIRouter(tags=["models"], prefix="/projects/{project}", route_class=StrictRoute)


@dataclass(frozen=True, slots=True)
class Registration:
    """`run`: the one that registered the version; the verdict is its evaluation's."""

    run: str


@dataclass(frozen=True, slots=True)
class Promoting:
    """`force`: also a version that the gate held; needs a reason. `expected`: the champion that it
    was judged against (null: none); `any` does not ask."""

    version: int
    reason: str = ""
    force: bool = False
    expected: int | Literal["any"] | None = "any"


@dataclass(frozen=True, slots=True)
class GatePromotion:
    """`lease`: of whoever drives the run and concludes it."""

    lease: Lease


@router.get("/versions")
def list_versions(
    request: Request,
    response: Response,
    state: StateOf,
    project: ProjectName,
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> list[VersionRecord]:
    """A page of the versions, oldest first."""
    found = state.models.all_versions(project, after, limit)
    return lead_on(request, response, found, limit, "number")


@router.get("/versions/{number}")
def get_version(state: StateOf, project: ProjectName, number: Number) -> VersionRecord:
    """One version."""
    return state.models.get_version(project, number)


@router.put("/versions/{number}")
def register(
    state: StateOf, project: ProjectName, number: Number, told: Registration
) -> VersionRecord:
    """Know a registered version, with the verdict of its run's evaluation; the same number again
    changes nothing, unless the gate held it before and blessed it since."""
    keepable(told)
    return state.models.register(project, told.run, number)


@router.get("/champion")
def get_champion(state: StateOf, project: ProjectName) -> Promotion | None:
    """The newest promotion; null before the first."""
    return state.models.champion(project)


@router.get("/promotions")
def list_promotions(
    request: Request,
    response: Response,
    state: StateOf,
    project: ProjectName,
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> list[Promotion]:
    """A page of the promotions, oldest first; `after` takes an `id`."""
    return lead_on(request, response, state.models.history(project, after, limit), limit, "id")


@router.post("/promotions")
def promote(
    state: StateOf, project: ProjectName, told: Promoting, key: IdempotencyKey = None
) -> Promotion:
    """Make a version the champion; an older one is a rollback. Whoever sends it is its author."""
    keepable(told)
    return state.models.promote(
        project,
        told.version,
        reason=told.reason,
        force=told.force,
        expected=told.expected,
        key=key,
    )


@router.post("/runs/{run}/promotion")
def promote_blessed(
    state: StateOf, project: ProjectName, run: Id, told: GatePromotion
) -> Promotion:
    """The gate's own promotion of what a run registered, once for each run: if the gate blessed it
    and the champion is still the one that the run was judged against."""
    keepable(told)
    return state.models.promote_blessed(project, run, told.lease)
