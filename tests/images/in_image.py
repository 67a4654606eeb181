"""Runs inside an image, as text: an example from its rows to a judged model, with the image's
libraries and nothing else. Its only argument is the example's files, as JSON."""

import json
import os
import sys
from pathlib import Path

from mizzen.adapters import bundle
from mizzen.adapters.tables import write_table
from mizzen.core.place import Place
from mizzen.spec import load_project
from mizzen.spec.profile import Profile
from mizzen_components import evaluate, preprocess, train

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
preprocess.run(
    frame=example / "frame.parquet",
    **{key: project[key] for key in ("task", "data", "features", "label", "split")},
    end="",
    train=train_rows,
    test=test_rows,
    encoder=encoder,
)
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
