"""`python components/images [NAME...]`: the door of `make images`.

Python puts this folder on the import path when it runs it, so `imagebuild` is found without
being installed; the tests and the cluster of the tests do the same.
"""

from __future__ import annotations

import sys

from imagebuild.cli import main

sys.exit(main(sys.argv[1:]))
