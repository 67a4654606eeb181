"""Long lists, a page at a time: `after` is the last item that was seen."""

from __future__ import annotations

from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import Query, Request, Response

from mizzen.api.checks import LARGEST

MOST = 1000
Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=MOST, description="items of a page")]
AfterNumber = Annotated[
    int, Query(ge=0, le=LARGEST, description="the last number that was seen; 0 begins")
]


def lead_on(
    request: Request, response: Response, found: list[Item], limit: int, last: str
) -> list[Item]:
    """The page, with a Link header to the next one where there may be one.

    Args:
        last: the field of an item that `after` takes.
    """
    if len(found) == limit:
        after = quote(str(getattr(found[-1], last)), safe="")
        wanted = str(request.url.remove_query_params("after").query)
        query = f"{wanted}&after={after}" if wanted else f"after={after}"
        response.headers["link"] = f'<{request.url.path}?{query}>; rel="next"'
    return found
