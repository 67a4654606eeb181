"""The `mizzen` command. Each command is one call of `mizzen.Project`, shown.

Its modules are loaded when their command is named, and libraries when a command needs them.
"""

_BINDINGS = "_duckdb"  # count their objects at the end, and report what was not collected
_OBJECTS = 100_000  # made between two collections


def main() -> None:
    """The console script's entry."""
    import gc
    import sys
    import warnings

    # modules stay for good: collecting while they load finds nothing, and a command waits for it
    gc.set_threshold(_OBJECTS)
    if not sys.warnoptions:
        # what libraries tell their developers is noise between the lines of a command's answer
        warnings.simplefilter("ignore")
    from mizzen.adapters.loopback import exempt_loopback
    from mizzen.cli.umask import keep_private
    from mizzen.streams import guard_streams

    guard_streams()
    keep_private()
    from mizzen.cli.app import app

    exempt_loopback()
    try:
        app()
    finally:
        if _BINDINGS not in sys.modules:
            gc.freeze()  # what is left goes with the process: its last collection finds nothing
