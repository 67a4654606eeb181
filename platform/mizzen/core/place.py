"""Where code runs: a profile with its home made absolute. Every back end is built from one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mizzen.errors import UserError
from mizzen.spec.profile import Profile

VARIABLE = "MIZZEN_PLACE"


@dataclass(frozen=True, slots=True)
class Place:
    """A project's profile on this machine; `home` is absolute and holds everything local."""

    project: str
    home: Path
    profile: Profile

    def to_environment(self) -> dict[str, str]:
        """What a step's process gets, so that it finds the same place. Holds no secrets:
        credentials are referred to by the names of environment variables."""
        document = {
            "project": self.project,
            "home": str(self.home),
            "profile": self.profile.model_dump(mode="json", by_alias=True),
        }
        return {VARIABLE: json.dumps(document, sort_keys=True)}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Place:
        """The place that the runner gave to this step.

        Raises:
            UserError: the variable is not set.
        """
        text = (os.environ if environment is None else environment).get(VARIABLE)
        if text is None:
            raise UserError(
                f"{VARIABLE} is not set", next_step="run the step through a runner: mizzen run"
            )
        document = json.loads(text)
        profile = Profile.model_validate(document["profile"])
        return cls(document["project"], Path(document["home"]), profile)
