"""`python -m mizzen.spec.schema [FOLDER]`: the JSON Schemas of what users write.

`make generate` calls this; editors read the result. A test holds the committed files equal.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from mizzen.spec.demo import DemoScript
from mizzen.spec.profile import Profile
from mizzen.spec.project import ProjectSpec

FOLDER = Path("docs/reference")
MODELS: dict[str, type[BaseModel]] = {
    "mizzen.schema.json": ProjectSpec,
    "profile.schema.json": Profile,
    "demo.schema.json": DemoScript,
}


def render(model: type[BaseModel]) -> str:
    """The schema as it is committed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= model.model_json_schema(by_alias=True)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path = FOLDER) -> list[Path]:
    """Write every schema below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in MODELS.items():
        (folder / name).write_text(render(model), encoding="utf-8")
    return [folder / name for name in MODELS]


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
