"""Who drives a run or a loop, for drivers on other machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from mizzen.api.auth import StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import keepable, same
from mizzen.state.records import Lease, LeaseRecord

router = APIRouter(tags=["leases"], prefix="/leases", route_class=StrictRoute)
LeaseName = Annotated[
    str, Path(pattern=r"^(run|controller):[A-Za-z0-9][A-Za-z0-9._+-]{0,67}$", description="of what")
]
Holder = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._-]{1,100}/[0-9]{1,10}/[A-Za-z0-9]{16,64}$",
        description="machine/process/secret; whoever knows it writes under the lease",
    ),
]
Seconds = Annotated[float, Field(gt=0, le=3600)]


@dataclass(frozen=True, slots=True)
class Acquisition:
    """`over`: the epoch of a holder that is known to be dead, which is not waited for."""

    holder: Holder
    seconds: Seconds
    over: int | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """Hold it for `seconds` from now."""

    lease: Lease
    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Release:
    """Let others have it."""

    lease: Lease


@router.get("/{name}")
def get_lease(state: StateOf, name: LeaseName) -> LeaseRecord | None:
    """Who holds it; null where nobody ever did."""
    return state.leases.get(name)


@router.put("/{name}")
def acquire_lease(state: StateOf, name: LeaseName, told: Acquisition) -> Lease | None:
    """Hold it; null while somebody else does. The same holder again gets the same lease."""
    keepable(told)
    return state.leases.acquire(name, told.holder, told.seconds, over=told.over)


@router.patch("/{name}", status_code=204)
def renew_lease(state: StateOf, name: LeaseName, told: Renewal) -> None:
    """Hold it on; refused once somebody else took it."""
    same("lease.name", told.lease.name, name)
    keepable(told)
    state.leases.renew(told.lease, told.seconds)


@router.post("/{name}/release", status_code=204)
def release_lease(state: StateOf, name: LeaseName, told: Release) -> None:
    """Let others have it at once; does nothing where somebody took it."""
    same("lease.name", told.lease.name, name)
    keepable(told)
    state.leases.release(told.lease)
