"""`python tests/cluster VERB`: the door for make targets and for people.

Python puts this folder on the import path when it runs it, so `testnode` is found without
being installed; conftest.py does the same for pytest.
"""

from __future__ import annotations

import sys

from testnode.cli import main

sys.exit(main(sys.argv[1:]))
