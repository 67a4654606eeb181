"""What a client may send, what it gets, and what a refusal tells."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.place import Place
from mizzen.errors import InvalidProject
from mizzen.spec.project import ProjectSpec
from mizzen_serving.contract import contract_of

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
ID = "886313e1-3b8a-5372-9b90-0c9aee199e5d"


def expected(package: Path, place: Place, rows: list[dict[str, Any]]) -> list[float]:
    """The predictions of the package by the slow way: the table encoding, all rows at once."""
    import numpy as np

    from mizzen.adapters import backends

    manifest, encoder = read_manifest(package)
    columns = {
        name: np.array([row.get(name) for row in rows], dtype=object) for name in encoder.columns
    }
    predictor = backends.load_backend("framework", manifest.framework)(place).load(
        package, None, {}
    )
    return list(predictor.predict(encoder.encode(columns)).tolist())


def test_one_row_is_answered_as_the_model_predicts_it(start, package_of, place) -> None:
    answer = start()("POST", "/predict", json=ROW)
    assert answer.status_code == 200
    told = answer.json()
    probability = expected(package_of("binary"), place, [ROW])[0]
    assert told["output"] == {"probability": probability, "label": int(probability >= 0.5)}
    assert (told["model"], told["version"], told["missing"]) == ("tiny", 3, [])


@pytest.mark.parametrize("shape", ["rows", "list"])
def test_a_batch_is_answered_in_its_order(start, package_of, place, shape: str) -> None:
    rows = [{**ROW, "distance": 3 * n, "carrier": ["AA", None, "ZZ"][n % 3]} for n in range(40)]
    answer = start()("POST", "/predict", json={"rows": rows} if shape == "rows" else rows)
    found = [p["output"]["probability"] for p in answer.json()["predictions"]]
    assert found == expected(package_of("binary"), place, rows)


def test_multiclass_names_the_class_and_every_probability(start, package_of, place) -> None:
    told = start("multiclass")("POST", "/predict", json=ROW).json()["output"]
    (probabilities,) = expected(package_of("multiclass"), place, [ROW])
    assert list(told["probabilities"].values()) == probabilities
    assert told["class"] == max(told["probabilities"], key=told["probabilities"].get)


def test_regression_gives_a_value(start, package_of, place) -> None:
    told = start("regression")("POST", "/predict", json=ROW).json()
    assert told["output"] == {"value": expected(package_of("regression"), place, [ROW])[0]}


def test_absent_optional_and_null_features_are_predicted_and_named(start) -> None:
    row = {"distance": None, "carrier": "UA"}
    assert start()("POST", "/predict", json=row).json()["missing"] == ["distance", "wind"]


def test_a_number_for_a_category_of_text_is_refused_and_not_matched(start) -> None:
    refused = start()("POST", "/predict", json={**ROW, "carrier": 2116})
    assert refused.status_code == 422
    assert refused.json()["field"] == "carrier"
    assert "text" in refused.json()["allowed"]


def test_a_category_that_training_never_saw_is_named_and_counted(start) -> None:
    ask = start()
    told = ask("POST", "/predict", json=[{**ROW, "carrier": "??"}, ROW]).json()["predictions"]
    assert [one["unknown"] for one in told] == [["carrier"], []]
    assert 'mizzen_serving_categories_unknown_total{feature="carrier"} 1.0' in (
        ask("GET", "/metrics").text
    )


def test_an_empty_text_is_missing_and_no_unknown_category(start) -> None:
    told = start()("POST", "/predict", json={**ROW, "carrier": ""}).json()
    assert ("carrier" in told["missing"], told["unknown"]) == (True, [])


def test_every_answer_is_in_the_log_as_the_model_saw_it(start, place) -> None:
    ask = start()
    told = ask("POST", "/predict", json=ROW).json()
    (logged,) = SegmentLog(place).read()
    assert logged.id == told["prediction_id"]
    assert logged.output == told["output"]["probability"]
    assert logged.key == {"flight": 7}
    assert logged.features == {"distance": 5.0, "wind": 2.5, "carrier": "UA"}
    assert (logged.at.isoformat(), logged.version) == ("2013-07-01T12:00:00+00:00", 3)


def test_prediction_ids_rise(start) -> None:
    ask = start()
    rows = [ROW] * 100
    ids = [
        p["prediction_id"]
        for _ in range(3)
        for p in ask("POST", "/predict", json=rows).json()["predictions"]
    ]
    assert ids == sorted(set(ids))


def test_a_given_id_makes_a_repeated_request_the_same_prediction(start, place) -> None:
    ask = start()
    for _ in range(2):
        told = ask("POST", "/predict", json={**ROW, "prediction_id": ID}).json()
        assert told["prediction_id"] == ID
    assert SegmentLog(place).counts().predictions == 1


@pytest.mark.parametrize(
    ("body", "status", "field", "told"),
    [
        ({**ROW, "distance": "far"}, 422, "distance", '"far"'),
        ([ROW, {**ROW, "carrier": {"code": "UA"}}], 422, "[1].carrier", '{"code":"UA"}'),
        ({"rows": [ROW, ROW, {**ROW, "wind": []}]}, 422, "rows[2].wind", "[]"),
        ({"carrier": "UA"}, 422, "distance", "is missing"),
        ({**ROW, "distanc": 5}, 422, "distanc", "did you mean 'distance'"),
        ({**ROW, "at": "2013-07-01T12:00:00"}, 422, "at", "an instant with zone"),
        ({**ROW, "at": 12}, 422, "at", "an instant with zone"),
        ({**ROW, "prediction_id": "mine"}, 422, "prediction_id", "a UUID"),
        ([], 422, "rows", "0 rows"),
        ([ROW] * 1001, 413, "rows", "1 to 1000 rows"),
        (5, 422, None, "an object"),
    ],
)
def test_a_refusal_names_field_given_and_allowed(start, body, status, field, told) -> None:
    answer = start()("POST", "/predict", json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert told in json.dumps(answer.json(), ensure_ascii=False).replace('\\"', '"')


@pytest.mark.parametrize("body", [b"", b"{", b'{"distance": NaN}', b"\x80\x04pickle"])
def test_what_is_no_json_is_refused(start, body: bytes) -> None:
    answer = start()("POST", "/predict", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "the body is not JSON"


def test_pickles_are_refused_unread(start) -> None:
    kind = {"content-type": "application/vnd.bentoml+pickle"}
    answer = start()("POST", "/predict", content=b"\x80\x04.", headers=kind)
    assert (answer.status_code, answer.json()["allowed"]) == (415, "application/json")


def test_too_large_a_body_is_refused_with_and_without_a_length(start) -> None:
    ask = start()
    large = b"[" + b" " * 10_000_000 + b"]"

    async def chunks():
        for at in range(0, len(large), 100_000):
            yield large[at : at + 100_000]

    for content in (large, chunks()):
        answer = ask("POST", "/predict", content=content)
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_unknown_paths_and_methods_are_told(start) -> None:
    ask = start()
    assert "/predict" in ask("GET", "/prdict").json()["allowed"]
    refused = ask("GET", "/predict")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_labels_are_kept_and_checked_against_the_task(start, place) -> None:
    ask = start("multiclass")
    made = ask("POST", "/predict", json=ROW).json()["prediction_id"]
    label = {"prediction_id": made, "value": "oak", "at": "2013-07-02T00:00:00Z"}
    assert ask("POST", "/labels", json=label).json() == {
        "accepted": 1,
        "unconfirmed": [],
    }
    late = [{**label, "value": "elm", "at": "2013-07-03T00:00:00Z"}, {**label, "value": "ash"}]
    assert ask("POST", "/labels", json={"labels": late}).json()["accepted"] == 2
    assert SegmentLog(place).labels()[made].value == "elm"
    refused = ask("POST", "/labels", json=[label, {**label, "value": "fir"}])
    assert refused.status_code == 422
    assert (refused.json()["field"], refused.json()["allowed"]) == (
        "labels[1].value",
        "ash, elm, oak",
    )
    assert SegmentLog(place).labels()[made].value == "elm"


def test_a_label_of_a_prediction_that_is_not_in_the_log_is_kept_but_not_accepted(
    start, place
) -> None:
    ask = start("multiclass")
    made = ask("POST", "/predict", json=ROW).json()["prediction_id"]
    labels = [{"prediction_id": name, "value": "oak"} for name in (made, "elsewhere")]
    tried = ask("POST", "/labels", json={"labels": labels, "dry_run": True}).json()
    assert SegmentLog(place).labels() == {}
    kept = ask("POST", "/labels", json={"labels": labels}).json()
    assert kept == tried == {"accepted": 1, "unconfirmed": ["elsewhere"]}
    assert set(SegmentLog(place).labels()) == {made, "elsewhere"}


@pytest.mark.parametrize(
    "wrong",
    [{"value": None}, {"at": "2099-01-01T00:00:00Z"}, {"at": "2013-07-01T00:00:00"}, {"value": 7}],
)
def test_one_wrong_label_keeps_all_others_out(start, place, wrong) -> None:
    ask = start("multiclass")
    right = {"prediction_id": "a", "value": "oak"}
    refused = ask("POST", "/labels", json=[right, {**right, "prediction_id": "b", **wrong}])
    assert refused.status_code == 422
    assert "labels[1], id b" in refused.json()["given"]
    assert SegmentLog(place).labels() == {}


def test_output_that_is_no_probability_is_never_answered(
    start, package_of, place, tmp_path
) -> None:
    """A regression served as if it were binary answers what no probability can be."""
    package = tmp_path / "wrong"
    shutil.copytree(package_of("regression"), package)
    project = json.loads((package / "project.json").read_text())
    (package / "project.json").write_text(json.dumps({**project, "task": "binary"}))
    ask = start(package=package)
    answer = ask("POST", "/predict", json={**ROW, "distance": 30})
    assert answer.status_code == 500
    assert answer.json()["prediction_id"] in answer.json()["message"]
    assert "mizzen_serving_output_faults_total 1.0" in ask("GET", "/metrics").text
    assert list(SegmentLog(place).read()) == []


def test_overload_answers_503_and_when_to_come_again(start) -> None:
    answers = start(queue=2).at_once(6, "POST", "/predict", json=[ROW] * 100)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503, 503]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert refused[0].json()["retryable"] is True


def test_requests_that_arrive_together_get_their_own_answers(start, package_of, place) -> None:
    ask = start()
    rows = [{**ROW, "distance": n} for n in range(3)]
    answers = ask.at_once(20, "POST", "/predict", json=rows)
    wanted = expected(package_of("binary"), place, rows)
    for answer in answers:
        told = answer.json()["predictions"]
        assert [p["output"]["probability"] for p in told] == wanted
    assert "mizzen_serving_batch_rows_count 1.0" in ask("GET", "/metrics").text


def test_a_full_log_answers_503_and_is_told(start, package_of, tmp_path) -> None:
    package = tmp_path / "small log"
    shutil.copytree(package_of("binary"), package)
    project = json.loads((package / "project.json").read_text())
    project["serving"]["log"]["max_mb"] = 1
    (package / "project.json").write_text(json.dumps(project))
    ask = start(package=package)
    for _ in range(100):
        answer = ask("POST", "/predict", json=[ROW] * 1000)
        if answer.status_code == 503:
            break
    assert "max_mb" in answer.json()["given"]
    assert "mizzen_serving_log_refused_records 1000.0" in ask("GET", "/metrics").text


def test_openapi_describes_the_row_and_the_refusals(start) -> None:
    ask = start()
    document = ask("GET", "/openapi.json").json()
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == ["distance", "carrier"]
    assert row["additionalProperties"] is False
    assert "422" in document["paths"]["/predict"]["post"]["responses"]
    assert set(document["components"]["schemas"]["BinaryOutput"]["required"]) == {
        "probability",
        "label",
    }
    assert "distance" in ask("GET", "/docs").text


def test_metrics_tell_requests_rows_missing_values_and_the_model(start) -> None:
    ask = start()
    ask("POST", "/predict", json=[{**ROW, "wind": None}] * 3)
    page = ask("GET", "/metrics").text
    for line in (
        'mizzen_serving_requests_total{code="200",path="/predict"} 1.0',
        "mizzen_serving_rows_total 3.0",
        'mizzen_serving_features_missing_total{feature="wind"} 3.0',
        "mizzen_serving_log_refused_records 0.0",
        'model="tiny"',
        'version="3"',
    ):
        assert line in page


@pytest.mark.parametrize("name", ["rows", "prediction_id"])
def test_a_column_with_a_name_of_the_service_is_an_error(tiny, name: str) -> None:
    project: ProjectSpec = tiny(
        data={"source": {"path": "x.csv"}, "key": [name], "event_time": "at"}
    )
    with pytest.raises(InvalidProject, match=name):
        contract_of(project)
