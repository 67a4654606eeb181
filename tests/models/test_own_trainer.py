"""A user's own trainer in 20 lines; no pickle, and the user's own traceback when it fails."""

from __future__ import annotations

import joblib
import numpy as np
import pytest

from mizzen.errors import InvalidProject, StepFailed

from .conftest import Make, StepHarness, read_json

TWENTY_LINES = """
import numpy as np


def fit(job):
    x = np.nan_to_num(job.rows.numbers)
    ones = np.ones((len(x), 1))
    weights, *_ = np.linalg.lstsq(np.hstack([x, ones]), job.labels, rcond=None)
    return {"weights": weights}


def load(kept):
    def predict(rows):
        return np.nan_to_num(rows.numbers) @ kept["weights"][:-1] + kept["weights"][-1]

    return predict
"""
OWN = {"kind": "python", "function": "own:fit", "parameters": {}}


def with_trainer(harness: Make, text: str) -> StepHarness:
    made = harness(task="regression", trainer=OWN)
    made.pack(own=text)
    return made


def test_twenty_lines_are_a_trainer_that_can_be_judged_registered_and_asked(harness: Make) -> None:
    made = with_trainer(harness, TWENTY_LINES)
    model = made.train()
    figures, folder = made.evaluate(model)
    version = made.register(model, folder)
    assert figures.value < 25
    assert sorted(path.name for path in model.iterdir()) == [
        "encoder.json",
        "manifest.json",
        "weights.safetensors",
    ]
    from mizzen.adapters.tables import read_table

    rows = read_table(made.folder / "test.parquet")
    assert len(made.predict(rows, version)) == len(rows)


def test_a_file_that_the_trainer_wrote_is_kept_as_it_is(harness: Make) -> None:
    text = """
import numpy as np

def fit(job):
    file = job.work / "constant.txt"
    file.write_text(str(job.labels.mean()))
    return {"constant.txt": file}

def load(kept):
    value = float(kept["constant.txt"].read_text())
    return lambda rows: np.full(len(rows.numbers), value)
"""
    made = with_trainer(harness, text)
    model = made.train()
    assert 90 < float((model / "constant.txt").read_text()) < 120
    assert made.evaluate(model)[0].blessed


def test_a_trainer_that_raises_shows_its_own_traceback(harness: Make) -> None:
    text = TWENTY_LINES.replace(
        "    return {", "    raise ValueError('no convergence')\n    return {"
    )
    with pytest.raises(StepFailed) as caught:
        with_trainer(harness, text).train()
    assert "own:fit raised ValueError: no convergence" in str(caught.value)
    assert "raise ValueError('no convergence')" in str(caught.value.given)
    assert "mizzen/adapters" not in str(caught.value.given)


def test_a_model_that_answers_nan_is_refused_and_leaves_no_folder(harness: Make) -> None:
    made = with_trainer(
        harness, TWENTY_LINES.replace("np.nan_to_num(rows.numbers)", "rows.numbers")
    )
    with pytest.raises(StepFailed, match=r"NaN or infinity"):
        made.train()
    assert not (made.folder / "model-1").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return {'m.pkl': dump(job, 'm.pkl')}", "pickled content"),
        ("return {'model': dump(job, 'model.bin')}", "pickled content"),
        ("np.savez(job.work / 'a.npz', a=1); return {'a.npz': job.work / 'a.npz'}", None),
        (
            "np.save(job.work / 'o.npy', np.array([{}])); return {'o.npy': job.work / 'o.npy'}",
            "pic",
        ),
        ("return {'o': np.array([{}])}", "neither an array of numbers nor a path"),
        ("return {'../up': job.work}", "cannot be called"),
        ("return 7", "must return a mapping"),
    ],
)
def test_pickled_or_strange_content_is_refused(
    harness: Make, body: str, message: str | None
) -> None:
    text = f"""
import pickle
import numpy as np

def dump(job, name):
    (job.work / name).write_bytes(pickle.dumps(dict(a=1)))
    return job.work / name

def fit(job):
    {body}

def load(kept):
    return lambda rows: np.zeros(len(rows.numbers))
"""
    made = with_trainer(harness, text)
    if message is None:
        assert made.train().is_dir()
    else:
        with pytest.raises(InvalidProject, match=message):
            made.train()


def test_a_joblib_file_is_refused_whatever_it_is_called(harness: Make) -> None:
    text = """
import joblib
import numpy as np

def fit(job):
    joblib.dump({"a": np.ones(3)}, job.work / "model.bin")
    return {"model.bin": job.work / "model.bin"}

def load(kept):
    return None
"""
    assert joblib
    with pytest.raises(InvalidProject, match=r"pickled content"):
        with_trainer(harness, text).train()


def test_a_trainer_without_load_is_told_before_it_works(harness: Make) -> None:
    text = "def fit(job):\n    raise SystemExit('worked for nothing')\n"
    with pytest.raises(InvalidProject, match=r"has no function 'load'"):
        with_trainer(harness, text).train()


def test_a_trainer_that_uses_the_global_generators_repeats(harness: Make) -> None:
    text = TWENTY_LINES.replace('{"weights": weights}', '{"weights": weights + np.random.rand()}')
    made = with_trainer(harness, text)
    hashes = {read_json(made.train() / "manifest.json")["weights_hash"] for _ in range(2)}
    assert len(hashes) == 1
    assert np.random.rand() is not None
