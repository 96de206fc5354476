"""Which answers caches may keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart, Response

PAGES = "private, no-cache"  # they are personal


def register_caching(app: Quart) -> None:
    """Set ``Cache-Control`` on every page that does not set its own."""
    app.after_request(_limit_caching)


async def _limit_caching(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", PAGES)
    return response
