"""The model card as the description of a run's page, which MLflow shows as Markdown."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

LONGEST = 5000  # characters; MLflow refuses longer tags
_NOTE, _OURS = "mlflow.note.content", "mizzen.note"
_CUT = "\n\n*Cut here: the whole card is the file `card.md` on the page of the step.*\n"


def shortened(card: str) -> str:
    """A card that MLflow takes: cut at the end of a line, and then it says so."""
    if len(card) <= LONGEST:
        return card
    kept = card[: LONGEST - len(_CUT)]
    return (kept[: kept.rfind("\n")] if "\n" in kept else kept) + _CUT


def describe(client: MlflowClient, page: str, card: str) -> None:
    """Set a page's description, unless a person wrote or changed it."""
    from mlflow.entities import RunTag

    tags = client.get_run(page).data.tags
    if _NOTE in tags and tags.get(_OURS) != _digest(tags[_NOTE]):
        return
    # at once: a description without its digest would be taken for a person's
    client.log_batch(page, tags=[RunTag(_NOTE, card), RunTag(_OURS, _digest(card))])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
