"""Static files that a page of another release asks for.

During an update old and new processes answer side by side: a page of one of them may ask the
other for its files, under the path of its own release.
"""

from __future__ import annotations

from quart import Response, send_from_directory

from quarterdeck.app import Blueprint
from quarterdeck.login import public
from quarterdeck.session import stateless
from quarterdeck_crm import paths
from quarterdeck_crm.extensions import limiter

bp = stateless(Blueprint("other_releases", __name__))


@bp.get("/static/<release>/<path:filename>")
@limiter.exempt
@public
async def file(release: str, filename: str) -> Response:
    """Send our own file of that name; browsers ask again before they use it another time."""
    response = await send_from_directory(paths.STATIC, filename)
    response.headers["Cache-Control"] = "no-cache"
    return response
