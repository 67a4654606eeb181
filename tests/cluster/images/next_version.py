"""Makes the installed Mizzen one migration newer: next-control.Dockerfile runs this."""

from pathlib import Path

from mizzen.state import database

NEXT = "9999"
code = Path(database.__file__)
before = database.HEAD
text = code.read_text()
changed = text.replace(f'HEAD = "{before}"', f'HEAD = "{NEXT}"')
if changed == text:
    raise SystemExit(f"{code} does not say HEAD = ... as it did")
code.write_text(changed)
for compiled in code.parent.glob("__pycache__/database.*.pyc"):  # nobody compares it with the code
    compiled.unlink()
migration = Path("/tmp/next_migration.py").read_text()  # noqa: S108 (the image's, while it is built)
versions = code.parent / "migrations" / "versions"
(versions / f"m{NEXT}_next.py").write_text(migration.replace("BEFORE", before))
