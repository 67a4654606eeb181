"""What an alert's `runbook_url` leads to. No token is asked: a person opens it in a browser."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from mizzen_monitoring.runbooks import runbook

router = APIRouter(tags=["runbooks"], prefix="/runbooks")


@router.get("/{alert}", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_runbook(alert: Annotated[str, Path(max_length=100)]) -> Response:
    """What to do when this alert fires, as Markdown."""
    headers = {"x-content-type-options": "nosniff"}
    return Response(runbook(alert), media_type="text/plain", headers=headers)
