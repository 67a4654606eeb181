"""The `mizzen` command. Each command is one call of `mizzen.Project`, shown.

Its modules are loaded when their command is named, and libraries when a command needs them.
"""


def main() -> None:
    """The console script's entry."""
    from mizzen.cli.app import app

    app()
