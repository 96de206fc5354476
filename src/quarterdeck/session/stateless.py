"""Views that need no session."""

from __future__ import annotations

from typing import Any, TypeVar

from quart import Quart
from quart.wrappers.base import BaseRequestWebsocket

from quarterdeck._marks import Mark, is_static
from quarterdeck._quart import connection_of, request_context, websocket_context

V = TypeVar("V")
STATELESS: Mark[bool] = Mark("stateless")


def stateless(view: V) -> V:
    """Answer a view without the session store.

    Marks a view function, a View class, one of its methods, or all views of a blueprint.
    The session is then not loaded, whatever cookie comes. Using it there raises
    ``StatelessSessionError``. Static files are stateless without a mark.
    """
    STATELESS.put(view, True)
    return view


class StatelessEndpoints:
    """Knows which endpoints of an app are stateless."""

    def __init__(self, app: Quart) -> None:
        self._app = app
        self._known: dict[tuple[str, str], bool] = {}

    def find(self, connection: BaseRequestWebsocket) -> str | None:
        """Return the endpoint of the request if it is stateless, else None."""
        _match(connection)
        endpoint = connection.endpoint
        if endpoint is None:
            return None
        key = (endpoint, connection.method)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._is_marked(*key)
        return endpoint if known else None

    def _is_marked(self, endpoint: str, method: str) -> bool:
        view = self._app.view_functions.get(endpoint)
        return is_static(view) or STATELESS.on_endpoint(self._app, endpoint, method)


def _match(connection: BaseRequestWebsocket) -> None:
    """Match the URL now: Quart opens the session first, as Flask does."""
    if connection.url_rule is not None or connection.routing_exception is not None:
        return
    context: Any = request_context() or websocket_context()
    if context is not None and connection_of(context) is connection and context.url_adapter:
        context.match_request()
