"""Code bundles by their digest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Body, Response

from mizzen.api.auth import Digest, StateOf
from mizzen.api.bodies import StrictRoute

router = APIRouter(tags=["bundles"], route_class=StrictRoute)
_BYTES = "application/octet-stream"


@router.put("/bundles/{digest}", status_code=204)
def put_bundle(
    state: StateOf, digest: Digest, content: Annotated[bytes, Body(media_type=_BYTES)]
) -> None:
    """Keep an archive; it hashes to its name and holds nothing but files below its folder."""
    state.bundles.put(digest, content, datetime.now(UTC))


@router.get(
    "/bundles/{digest}", response_class=Response, responses={200: {"content": {_BYTES: {}}}}
)
def get_bundle(state: StateOf, digest: Digest) -> Response:
    """The archive."""
    return Response(state.bundles.get(digest), media_type=_BYTES)


@router.get("/bundles/{digest}/size")
def bundle_size(state: StateOf, digest: Digest) -> int:
    """Its bytes: whether there is one, without fetching it."""
    return len(state.bundles.get(digest))
