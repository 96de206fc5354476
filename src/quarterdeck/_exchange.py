"""One HTTP request or WebSocket with its answer, as seen from outside the app.

Rooms that log, count or trace requests share one ASGI middleware: :func:`observe` adds an
observer to it. The server and the log formatters read the exchange afterwards.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quart import Quart

#: Key of an ASGI scope under which its exchange is.
EXCHANGE = "quarterdeck.exchange"
_OBSERVERS = "quarterdeck.observers"  # where ``app.extensions`` holds them
_current: ContextVar[Exchange | None] = ContextVar("quarterdeck_exchange", default=None)


class Exchange:
    """A request or a WebSocket, and what is known about its answer so far.

    Attributes:
        scope: The ASGI scope.
        started: When it began, by ``time.perf_counter``.
        status: Of the response, None until it has begun; 101 for an accepted WebSocket.
        seconds: From the start to the beginning of the response, None until then.
        endpoint: Of the view; None until it is known, and for an unknown path.
        route: The URL rule of the view, such as ``/orders/<int:id>``.
        user_id: Of the signed-in user, as text.
        request_id: Names the request in logs and answers, if the logging room is in use.
        trace_id: Of its trace, if the room for traces is in use.
        headers: Further headers of the response.
        notes: Whatever an observer keeps from one call to the next, by its name.
    """

    __slots__ = (
        "endpoint",
        "headers",
        "notes",
        "request_id",
        "route",
        "scope",
        "seconds",
        "started",
        "status",
        "trace_id",
        "user_id",
    )

    def __init__(self, scope: Any) -> None:
        self.scope = scope
        self.started = perf_counter()
        self.status: int | None = None
        self.seconds: float | None = None
        self.endpoint: str | None = None
        self.route: str | None = None
        self.user_id: str | None = None
        self.request_id: str | None = None
        self.trace_id: str | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.notes: dict[str, Any] = {}

    @property
    def is_websocket(self) -> bool:
        return bool(self.scope["type"] == "websocket")

    @property
    def method(self) -> str:
        return str(self.scope.get("method", "GET"))  # a WebSocket has none


class Observer:
    """Watches the exchanges of an app. Its methods must be quick and must not raise."""

    def begin(self, exchange: Exchange) -> None:
        """See an exchange before the app does."""

    def answer(self, exchange: Exchange) -> None:
        """See it when the response begins; ``status`` is set, and headers can be added."""

    def end(self, exchange: Exchange, error: BaseException | None) -> None:
        """See it when the app has finished.

        Args:
            exchange: The exchange; its status is None if the client left before the response.
            error: The exception that left the app, if one did.
        """


def observe(app: Quart, observer: Observer) -> None:
    """Let an observer see all exchanges of an app."""
    from quart import has_websocket_context, request, websocket  # the supervisor has no Quart

    def note(_endpoint: str | None, _values: object) -> None:
        note_route(websocket if has_websocket_context() else request)

    observers: list[Observer] | None = app.extensions.get(_OBSERVERS)
    if observers is None:
        observers = app.extensions[_OBSERVERS] = []
        app.asgi_app = _Observed(app.asgi_app, observers)  # type: ignore[method-assign]  # Quart's way to add middleware
        app.url_value_preprocessor(note)
    observers.append(observer)


def current_exchange() -> Exchange | None:
    """Return the exchange of the current task, None outside one and without observers."""
    return _current.get()


def current_endpoint() -> str | None:
    """Return the endpoint of the current request or WebSocket, None outside one."""
    from quart import has_request_context, has_websocket_context, request, websocket

    if has_request_context():
        return request.endpoint
    return websocket.endpoint if has_websocket_context() else None


def note_user(scope: Any, user: Any, id_attribute: str) -> None:
    """Note the id of the signed-in user of a request; it stays when the user signs out."""
    exchange: Exchange | None = scope.get(EXCHANGE)
    if exchange is not None:
        with suppress(NotImplementedError):  # a user without an id
            exchange.user_id = getattr(user, id_attribute, _no_id)() or exchange.user_id


def _no_id() -> None:
    return


def note_route(connection: Any) -> None:
    """Note the view of a request or WebSocket, once its URL has been matched."""
    exchange: Exchange | None = connection.scope.get(EXCHANGE)
    if exchange is not None and connection.url_rule is not None:
        exchange.endpoint = connection.url_rule.endpoint
        exchange.route = connection.url_rule.rule


class _Observed:
    """The middleware."""

    def __init__(self, app: Any, observers: list[Observer]) -> None:
        self.app = app
        self.observers = observers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        exchange = scope[EXCHANGE] = Exchange(scope)
        token = _current.set(exchange)
        for observer in self.observers:
            observer.begin(exchange)

        async def note(message: Any) -> None:
            if exchange.status is None and message["type"] in _BEGINNINGS:
                self._answer(exchange, message)
            await send(message)

        error: BaseException | None = None
        try:
            await self.app(scope, receive, note)
        except BaseException as raised:
            error = raised
            raise
        finally:
            for observer in reversed(self.observers):
                observer.end(exchange, error)
            _current.reset(token)

    def _answer(self, exchange: Exchange, message: Any) -> None:
        exchange.status = message.get("status", 101)
        exchange.seconds = perf_counter() - exchange.started
        for observer in self.observers:
            observer.answer(exchange)
        if exchange.headers:
            message["headers"] = [*message.get("headers", ()), *exchange.headers]


_BEGINNINGS = frozenset(
    {"http.response.start", "websocket.accept", "websocket.http.response.start"}
)
