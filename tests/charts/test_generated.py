"""What is generated for charts: values, their schema, their table."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
import yaml

from mizzen.spec.charts import CHARTS, Chart
from mizzen.spec.charts.section import Entry, all_fields
from mizzen.spec.charts.values import plain_of

from .rendering import CHARTS as FOLDER
from .rendering import ROOT

pytestmark = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)


def test_the_committed_files_are_generated(chart: Chart) -> None:
    for name, text in chart.files().items():
        assert (FOLDER / chart.name / name).read_text() == text, f"{name}: run make generate"


def test_the_chart_takes_the_images_of_this_version(chart: Chart) -> None:
    said = yaml.safe_load((FOLDER / chart.name / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (said["name"], said["version"], said["appVersion"]) == (chart.name, version, version)


def test_every_value_says_what_it_means(chart: Chart) -> None:
    assert [f.dotted for f in all_fields(chart.values) if not f.info.description] == []


def test_a_value_that_is_empty_shows_an_example(chart: Chart) -> None:
    silent = [f.dotted for f in all_fields(chart.values) if _empty(f) and not f.info.examples]
    assert silent == []


def test_every_section_is_closed(chart: Chart) -> None:
    schema = json.loads(chart.files()["values.schema.json"])
    sections = {"": schema, "global": schema["properties"]["global"], **schema["$defs"]}
    open_ = [name for name, node in sections.items() if node["additionalProperties"] is not False]
    assert open_ == []


def test_the_defaults_are_those_of_the_model(chart: Chart) -> None:
    values = yaml.safe_load(chart.files()["values.yaml"])
    for field in all_fields(chart.values):
        if field.section is None:
            assert _at(values, field.path) == plain_of(field.default), field.dotted


def _empty(field: Entry) -> bool:
    return field.section is None and field.default in (None, "", (), {})


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        values = values[part]
    return values
