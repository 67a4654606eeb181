"""Versions, the champion, and the history of promotions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter

from mizzen.api.auth import Number, ProjectName, StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import keepable, same
from mizzen.state.records import Promotion, VersionRecord

router = APIRouter(tags=["models"], prefix="/projects/{project}", route_class=StrictRoute)


@dataclass(frozen=True, slots=True)
class NewPromotion:
    """`expected`: the champion that it was judged against (null: none); `any` does not ask."""

    promotion: Promotion
    expected: int | Literal["any"] | None = "any"


@router.get("/versions")
def list_versions(state: StateOf, project: ProjectName) -> list[VersionRecord]:
    """Every version, oldest first."""
    return state.models.all_versions(project)


@router.get("/versions/{number}")
def get_version(state: StateOf, project: ProjectName, number: Number) -> VersionRecord:
    """One version."""
    return state.models.get_version(project, number)


@router.put("/versions/{number}", status_code=204)
def add_version(state: StateOf, project: ProjectName, number: Number, told: VersionRecord) -> None:
    """Know a registered version; the same number again changes nothing."""
    same("project", told.project, project)
    same("number", told.number, number)
    keepable(told)
    state.models.add_version(told)


@router.get("/champion")
def get_champion(state: StateOf, project: ProjectName) -> Promotion | None:
    """The newest promotion; null before the first."""
    return state.models.champion(project)


@router.get("/promotions")
def list_promotions(state: StateOf, project: ProjectName) -> list[Promotion]:
    """Every promotion, oldest first."""
    return state.models.history(project)


@router.post("/promotions")
def promote(state: StateOf, project: ProjectName, told: NewPromotion) -> Promotion:
    """Make a version the champion. One `key` is one promotion, however often it is sent."""
    same("promotion.project", told.promotion.project, project)
    keepable(told)
    return state.models.append_promotion(told.promotion, told.expected)
