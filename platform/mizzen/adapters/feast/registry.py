"""Feast's registry file, replaced in one step. Named in the repository's configuration.

Feast's own file store writes over the registry in place: a reader, or a crash, in between
finds half of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mizzen.adapters.feast.library import feast
from mizzen.adapters.files.atomic import replaced_file

_file = feast("feast.infra.registry.file")


class AtomicRegistryStore(_file.FileRegistryStore):  # type: ignore[name-defined, misc]
    """A registry file that is always whole."""

    _filepath: Path

    def _write_registry(self, registry_proto: Any) -> None:
        final = self._filepath
        try:
            with replaced_file(final) as self._filepath:
                super()._write_registry(registry_proto)
        finally:
            self._filepath = final
