"""The live position of a page: the id of the last event before it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import g
from quart.signals import request_started

from quarterdeck_crm.extensions import hub

if TYPE_CHECKING:
    from quart import Quart


def register_live_pages(app: Quart) -> None:
    """Note the position before anything else of a request, and give it to templates.

    Earlier changes are on the page; later ones are sent to it
    when it connects, so nothing falls between. A signal and not a hook notes it: the hook that
    loads the user runs first, and its query begins the transaction that the page reads from.
    """
    request_started.connect(_note_position, app)
    app.jinja_env.globals["live_position"] = lambda: g.live_position


async def _note_position(_app: object, **_: object) -> None:
    g.live_position = hub.position
