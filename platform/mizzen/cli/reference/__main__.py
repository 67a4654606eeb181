"""`python -m mizzen.cli.reference [FOLDER]`."""

import sys
from pathlib import Path

from mizzen.cli.reference import FOLDER, write

if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
