"""What Mizzen remembers: runs, versions, promotions, alarms, decisions. One owner.

Only `mizzen.control` writes here; front doors ask. `interface` says what can be asked; the answer
comes from a database in process, or from the control API of a cluster. No object mapper: the rows
are few and flat, and a cold command line does not pay for what it does not use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mizzen.adapters.files.folders import make_home
from mizzen.core.place import Place

if TYPE_CHECKING:
    from mizzen.state.interface import State

__all__ = ["open_state"]


def open_state(place: Place) -> State:
    """The state of a place; a file of it is made, or brought to this version, on first use.

    Raises:
        UserError: `control` or `state` of the profile is no address that can be opened.
        IntegrityError: another Mizzen wrote it.
    """
    if place.profile.control.url is not None:
        from mizzen.state.remote import open_remote

        return open_remote(place.profile.control)
    from mizzen.state.database import open_address, open_file
    from mizzen.state.sql_state import SqlState

    if place.profile.state is not None:
        return SqlState(open_address(place.profile.state))
    make_home(place.home)
    return SqlState(open_file(str(place.home / "state.db")))
