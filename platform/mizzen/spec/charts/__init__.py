"""The values of our Helm charts, as pydantic models. What users see is generated from them.

`python -m mizzen.spec.charts` writes `charts/<chart>/{values.yaml,values.schema.json,README.md}`
for every row of `CHARTS` (`make generate` calls it, `make verify` holds the files equal). A new
chart is one row.
"""

from mizzen.spec.charts.chart import Chart
from mizzen.spec.charts.model import ModelValues
from mizzen.spec.charts.platform import PlatformValues

CHARTS: tuple[Chart, ...] = (
    Chart("mizzen", PlatformValues),
    Chart("mizzen-model", ModelValues),
)

__all__ = ["CHARTS", "Chart"]
