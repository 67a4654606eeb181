"""One chart: its name, the model of its values, and the three files made from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mizzen.spec.charts.readme import readme_of
from mizzen.spec.charts.schema import schema_of
from mizzen.spec.charts.section import Values
from mizzen.spec.charts.values import values_of


@dataclass(frozen=True, slots=True)
class Chart:
    """`values` is the model whose docstring begins the README and whose fields are its table."""

    name: str
    values: type[Values]

    def files(self) -> dict[str, str]:
        """File name -> text, as committed."""
        return {
            "values.yaml": values_of(self.values),
            "values.schema.json": schema_of(self.values),
            "README.md": readme_of(self.name, self.values),
        }

    def write(self, charts: Path) -> None:
        """Write the files into `charts/<name>`."""
        folder = charts / self.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files().items():
            (folder / name).write_text(text, encoding="utf-8")
