"""Where code runs: a profile with its home made absolute. Every back end is built from one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mizzen.errors import UserError
from mizzen.masking import remember, without_credentials
from mizzen.spec.profile import Profile

VARIABLE = "MIZZEN_PLACE"
# Sections of a profile that steps talk to, with the fields that say where.
_SERVICES = {"tracking": ("uri",), "data_store": ("url",), "feature_store": ("kind", "sources")}
# Variables that say where the rest is: what libpq reads, and every client of S3.
_POSTGRES = ("PGHOST", "PGPORT", "PGDATABASE")
_S3 = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


@dataclass(frozen=True, slots=True)
class Place:
    """A project's profile on this machine; `home` is absolute and holds everything local."""

    project: str
    home: Path
    profile: Profile

    def __post_init__(self) -> None:
        remember(self.profile.addresses())

    def to_environment(self) -> dict[str, str]:
        """What a step's process gets, so that it finds the same place. It may hold credentials,
        where an address of the profile does: it is passed on, and never written."""
        document = {
            "project": self.project,
            "home": str(self.home),
            "profile": self.profile.model_dump(mode="json", by_alias=True),
        }
        return {VARIABLE: json.dumps(document, sort_keys=True)}

    def address(self, service: str, environment: Mapping[str, str]) -> dict[str, Any]:
        """What tells one such service from another, as JSON: a section of the profile, and the
        variables of `environment` that say which server it means, without credentials and what
        only this machine does with it.

        Raises:
            UserError: no section of that name.
        """
        if service not in _SERVICES:
            raise UserError(
                "no such service in a profile", given=service, allowed=", ".join(_SERVICES)
            )
        section = getattr(self.profile, service).model_dump(mode="json")
        # another password leads to the same place
        fields = {
            name: section[name] and without_credentials(section[name])
            for name in _SERVICES[service]
        }
        return fields | {name: environment.get(name) for name in _variables(fields.values())}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Place:
        """The place that the runner gave to this step.

        Raises:
            UserError: the variable is not set.
        """
        text = environment.get(VARIABLE)
        if text is None:
            raise UserError(
                f"{VARIABLE} is not set", next_step="run the step through a runner: mizzen run"
            )
        document = json.loads(text)
        profile = Profile.model_validate(document["profile"])
        return cls(document["project"], Path(document["home"]), profile)


def _variables(fields: Collection[str | None]) -> tuple[str, ...]:
    postgres = _POSTGRES if "postgres" in fields else ()
    s3 = _S3 if any(field and field.startswith("s3:") for field in fields) else ()
    return (*postgres, *s3)
