"""`python -m mizzen`: the same as the `mizzen` command."""

from mizzen.cli import main

if __name__ == "__main__":
    main()
