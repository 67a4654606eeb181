"""What Mizzen remembers: runs, versions, promotions, alarms, decisions. One owner.

Only `mizzen.control` writes here; front doors ask. No object mapper: the rows are few and flat,
and a cold command line does not pay for what it does not use.
"""

from mizzen.control.state.database import Database, open_state

__all__ = ["Database", "open_state"]
