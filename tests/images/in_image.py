"""Runs inside an image, as text: an example from its rows to a judged model, with the image's
libraries and nothing else. Its arguments are the example's files and the command of the compiled
preprocess step, which is started as Kubeflow Pipelines starts it; both as JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

from mizzen.adapters import bundle
from mizzen.adapters.tables import write_table
from mizzen.core.place import Place
from mizzen.spec import load_project
from mizzen.spec.profile import Profile
from mizzen_components import evaluate, train

example = Path.home() / "example"
example.mkdir()
for name, text in json.loads(sys.argv[1]).items():
    (example / name).write_text(text)

profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
place = Place("example", Path.home() / "place", profile)
os.environ.update(place.to_environment())

spec = load_project(example)
project = spec.model_dump(mode="json", by_alias=True)
code = bundle.pack(example, bundle.store_of(place))
write_table(bundle.load_function(example, "data:load")(), example / "frame.parquet")
made = {name: example / name for name in ("train.parquet", "test.parquet", "encoder.json")}
train_rows, test_rows, encoder = made.values()


def artifact(path):
    return {"artifacts": [{"name": path.name, "uri": str(path), "metadata": {}}]}


sections = {key: project[key] for key in ("task", "data", "features", "label", "split")}
asked = {
    "inputs": {
        "parameterValues": {**sections, "end": ""},
        "artifacts": {"frame": artifact(example / "frame.parquet")},
    },
    "outputs": {
        "artifacts": {path.stem: artifact(path) for path in made.values()},
        "outputFile": str(example / "preprocess.json"),
    },
}
command = [*json.loads(sys.argv[2]), "--executor_input", json.dumps(asked)]
subprocess.run([*command, "--function_to_execute", "preprocess"], check=True, stdout=sys.stderr)
train.run(
    train=train_rows,
    encoder=encoder,
    code=code,
    **{key: project[key] for key in ("task", "features", "label", "trainer")},
    model=example / "model",
)
figures = evaluate.run(
    model=example / "model",
    test=test_rows,
    champion="",
    code=code,
    project=project,
    evaluation=example / "evaluation",
)
sys.stdout.write(json.dumps({"blessed": figures.blessed, "reason": figures.reason}) + "\n")
