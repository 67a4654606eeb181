"""Numbers far outside what training saw are answered and named; what overflows is the client's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from mizzen_serving.app import ServingApp
from mizzen_serving.client import Client
from mizzen_serving.options import ServeOptions

ROW = {"flight": 7, "distance": 5, "wind": 2.5, "carrier": "UA"}
OWN = '''"""Linear in the raw numbers, so that large ones overflow."""
import numpy as np


def fit(job):
    return {"weights": np.full(job.rows.raw.shape[1], 1e4)}


def load(kept):
    return lambda rows: np.nan_to_num(rows.raw) @ kept["weights"]
'''


@pytest.fixture
def ask(package_of, place):
    """Asks an application in this process; `at_once` sends several requests together."""
    apps: list[ServingApp] = []

    def start(package: Path):
        app = ServingApp()
        app.start(ServeOptions(package, 3), place)
        apps.append(app)

        async def all_of(bodies):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://s") as client:
                sent = (client.post("/predict", json=body) for body in bodies)
                answers = list(await asyncio.gather(*sent))
                return answers, (await client.get("/metrics")).text

        return lambda *bodies: asyncio.run(all_of(bodies))

    yield start
    for app in apps:
        app.stop()


@pytest.fixture
def raw_package(tiny, build_package, place, tmp_path) -> Path:
    code = tmp_path / "code"
    code.mkdir()
    (code / "own.py").write_text(OWN)
    project = tiny("regression", trainer={"kind": "python", "function": "own:fit"})
    return build_package(tmp_path / "package", place, project, code=code)


def test_an_answer_names_the_numbers_far_outside_what_training_saw(ask, package_of) -> None:
    rows = [ROW, {**ROW, "distance": 5000, "wind": -1e308}, {**ROW, "wind": None}]
    (one, many), metrics = ask(package_of("binary"))({**ROW, "wind": 1e9}, {"rows": rows})
    assert one.json()["outside"] == ["wind"]
    told = many.json()["predictions"]
    assert [answer["outside"] for answer in told] == [[], ["distance", "wind"], []]
    assert 'mizzen_serving_features_outside_total{feature="wind"} 2.0' in metrics
    assert 'mizzen_serving_features_outside_total{feature="distance"} 1.0' in metrics


def test_a_number_that_overflows_is_refused_and_named_and_harms_no_neighbour(
    ask, raw_package
) -> None:
    good, large = ROW, {**ROW, "distance": 1e308}
    (fine, refused, batch), metrics = ask(raw_package)(good, large, {"rows": [good, large]})
    assert fine.status_code == 200
    assert fine.json()["output"] == {"value": 75_000.0}
    assert (refused.status_code, refused.json()["field"]) == (422, "distance")
    assert "1e+308" in refused.json()["given"]
    assert (batch.status_code, batch.json()["field"]) == (422, "rows[1].distance")
    assert "roll" not in refused.text
    assert "mizzen_serving_output_faults_total 0.0" in metrics


@pytest.mark.parametrize("number", ["1e400", "-1e999", "1" + "0" * 400])
def test_a_number_beyond_float64_is_refused_and_named(package_of, place, number: str) -> None:
    app = ServingApp()
    app.start(ServeOptions(package_of("binary"), 3), place)

    async def post():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://s") as client:
            text = f'{{"distance": {number}, "carrier": "UA"}}'
            headers = {"content-type": "application/json"}
            return await client.post("/predict", content=text, headers=headers)

    try:
        answer = asyncio.run(post())
    finally:
        app.stop()
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["message"]


def test_the_client_hands_on_what_is_outside(launch) -> None:
    service = launch()
    service.wait_ready()
    with Client(f"http://127.0.0.1:{service.port}") as client:
        answers = list(client.predict([ROW, {**ROW, "distance": 1e6}]))
    assert [answer.outside for answer in answers] == [(), ("distance",)]
