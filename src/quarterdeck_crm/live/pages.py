"""What pages need to follow changes: which event was the last when they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import g

from quarterdeck_crm.extensions import hub

if TYPE_CHECKING:
    from quart import Quart


def register_live_pages(app: Quart) -> None:
    """Note the position before anything else of a request, and give it to templates.

    What is committed before is in what the page shows; what comes after is told to the page
    when it connects, so nothing falls between.
    """
    app.before_request(_note_position)
    app.jinja_env.globals["live_position"] = lambda: g.live_position


async def _note_position() -> None:
    g.live_position = hub.position
