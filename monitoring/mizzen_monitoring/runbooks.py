"""What to do when an alert fires: the pages of `monitoring/runbooks`, which the wheel carries."""

from __future__ import annotations

from pathlib import Path

from mizzen.errors import NotFound

_PACKAGED = Path(__file__).with_name("runbook_pages")
_TREE = Path(__file__).parents[1] / "runbooks"


def runbook(alert: str) -> str:
    """The page of an alert, as Markdown.

    Raises:
        NotFound: no alert has this name; those that there are are listed.
    """
    pages = {page.stem: page for page in (_PACKAGED if _PACKAGED.is_dir() else _TREE).glob("*.md")}
    if alert not in pages:
        raise NotFound(f"no alert is called {alert!r}", allowed=", ".join(sorted(pages)))
    return pages[alert].read_text(encoding="utf-8")
