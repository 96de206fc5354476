"""What a stream may ask of its connection besides what Hypercorn's streams ask."""

from __future__ import annotations

from hypercorn.events import Event


class Finish(Event):
    """Send no more, and throw away what comes until the client has closed too."""


class Abort(Event):
    """End at once: the client is gone."""
