"""The `mizzen` command. Each command is one call of `mizzen.Project`, shown.

Its modules are loaded when their command is named, and libraries when a command needs them.
"""


def main() -> None:
    """The console script's entry."""
    import sys
    import warnings

    if not sys.warnoptions:
        # what libraries tell their developers is noise between the lines of a command's answer
        warnings.simplefilter("ignore")
    from mizzen.cli.app import app

    app()
