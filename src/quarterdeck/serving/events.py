"""Events from a stream to its connection, in addition to Hypercorn's."""

from __future__ import annotations

from hypercorn.events import Event


class Finish(Event):
    """Stop sending, and discard received data until the client has closed too."""


class Abort(Event):
    """Abort the connection: the client is gone."""
