"""Views that need no session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from quart import Blueprint, Quart
from quart.globals import _cv_request, _cv_websocket
from quart.wrappers.base import BaseRequestWebsocket

V = TypeVar("V")
_MARK = "__quarterdeck_stateless__"


def stateless(view: V) -> V:
    """Spare a view (function, View class) or all views of a blueprint the session store.

    The session is then not loaded, whatever cookie comes. Using it there raises
    ``StatelessSessionError``. Static files are stateless without a mark.
    """
    for layer in _layers(view):
        setattr(layer, _MARK, True)
    return view


class StatelessEndpoints:
    """Knows which endpoints of an app are stateless."""

    def __init__(self, app: Quart) -> None:
        self._app = app
        self._known: dict[str, bool] = {}

    def find(self, connection: BaseRequestWebsocket) -> str | None:
        """Return the endpoint of the request if it is stateless, else None."""
        _match(connection)
        endpoint = connection.endpoint
        if endpoint is None:
            return None
        known = self._known.get(endpoint)
        if known is None:
            known = self._known[endpoint] = self._is_marked(endpoint)
        return endpoint if known else None

    def _is_marked(self, endpoint: str) -> bool:
        view = self._app.view_functions.get(endpoint)
        names = endpoint.split(".")[:-1]
        blueprints = (".".join(names[: end + 1]) for end in range(len(names)))
        marked = (
            view,
            getattr(view, "view_class", None),
            *map(self._app.blueprints.get, blueprints),
        )
        return _is_static(view) or any(getattr(each, _MARK, False) for each in marked)


def _match(connection: BaseRequestWebsocket) -> None:
    """Match the URL now: Quart opens the session first, as Flask does."""
    if connection.url_rule is not None or connection.routing_exception is not None:
        return
    context: Any = _cv_request.get(None) or _cv_websocket.get(None)
    if context is not None and context.request_websocket is connection and context.url_adapter:
        context.match_request()


def _is_static(view: Any) -> bool:
    owner = getattr(view, "__self__", None)
    return isinstance(owner, Quart | Blueprint) and view.__name__ == "send_static_file"


def _layers(view: Any) -> Iterator[Any]:
    """The view and all that it wraps: ``route`` may have registered any of them."""
    yield view
    while (view := getattr(view, "__wrapped__", None)) is not None:
        yield view
