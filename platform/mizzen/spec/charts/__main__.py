"""`python -m mizzen.spec.charts [FOLDER]`: write what is generated below `charts/`."""

import sys
from pathlib import Path

from mizzen.spec.charts import CHARTS

if __name__ == "__main__":
    for chart in CHARTS:
        chart.write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("charts"))
