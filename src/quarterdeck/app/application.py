"""``Quart``, the application object."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import quart
from flask.sansio.scaffold import setupmethod
from quart.ctx import has_request_context
from quart.globals import _cv_request, request_ctx
from quart.utils import run_sync
from werkzeug.datastructures import ImmutableDict
from werkzeug.routing import BuildError

from quarterdeck._cli import AppGroup
from quarterdeck._config import ConfigKey, boolean, integer, read, seconds, text_list
from quarterdeck._signed_cookie import CookieSessionInterface
from quarterdeck.routing import register_converters

from .connection import HTTPConnection
from .cycle import RequestCycle
from .fingerprint import ONE_YEAR, Fingerprints
from .first_request import FirstRequest
from .json import MsgspecJSONProvider
from .request import Request
from .response import Response
from .rule import Rule
from .templating import Environment, template_context
from .testing import TestClient
from .websocket import OpenWebsockets, Websocket, WebsocketConnection

F = TypeVar("F", bound=Callable[[], Any])

CONFIG = (
    ConfigKey("JINJA_ASYNC", False, boolean, "Whether templates may await."),
    ConfigKey("MAX_JSON_DEPTH", 64, integer(1), "Levels that JSON may have."),
    ConfigKey("MAX_JSON_SIZE", 2_000_000, integer(1), "Bytes that a JSON body may have."),
    ConfigKey("SEND_FILE_CONDITIONAL", True, boolean, "Whether files answer with 304 and 206."),
    ConfigKey("STATIC_FINGERPRINT", False, boolean, "Whether static files are kept for a year."),
    ConfigKey("TRUSTED_HOSTS", None, text_list, "Names that the site is reached by."),
    ConfigKey("WEBSOCKET_MAX_CONNECTIONS", 10_000, integer(0), "Open WebSockets of a process."),
    ConfigKey("WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS", 1_000, integer(0), "Those of one address."),
    ConfigKey("WEBSOCKET_QUEUE_BYTES", 2**21, integer(1), "Memory of messages not yet taken."),
    ConfigKey("WEBSOCKET_QUEUE_MESSAGES", 100, integer(1), "Messages not yet taken."),
    ConfigKey("WEBSOCKET_QUEUE_SECONDS", 10, seconds, "Seconds that they may stay so many."),
)


_NO_OPTIONS = (None, None, None, None)
_MEMORABLE = frozenset(
    {str, type(None)}
)  # equal values of these give equal URLs; 1 and True do not


class Quart(RequestCycle):
    """Quart with the holes filled that Flask applications fall into.

    Takes what ``quart.Quart`` takes. See ``docs/from-flask.md`` for what it adds.
    """

    asgi_http_class = HTTPConnection
    asgi_websocket_class = WebsocketConnection
    # Quart declares these three with types of Flask's, or as protocols.
    jinja_environment = Environment  # type: ignore[assignment]
    test_client_class = TestClient  # type: ignore[assignment]
    url_rule_class = Rule  # type: ignore[assignment]

    json_provider_class = MsgspecJSONProvider
    request_class = Request
    response_class = Response
    websocket_class = Websocket

    default_config = ImmutableDict(
        quart.Quart.default_config | {key.name: key.default for key in CONFIG}
    )

    def __init__(self, import_name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(import_name, *args, **kwargs)
        self.cli = AppGroup(name=self.name)
        self._first_request = FirstRequest()
        self._fingerprints = Fingerprints()
        self.open_websockets = OpenWebsockets()
        self.session_interface = CookieSessionInterface()
        self.template_context_processors[None] = [template_context]
        register_converters(self)

    # --- hooks --------------------------------------------------------------------

    @setupmethod
    def before_first_request(self, function: F) -> F:
        """Run ``function`` once per process, before the first request is handled.

        It runs in that request's context, whether HTTP or WebSocket; requests that come
        meanwhile wait. If it raises, that request fails and the next one tries again.
        """
        self._first_request.pending.append(function)
        return function

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """Return an awaitable form of ``func`` that never blocks the event loop.

        A plain function runs in a thread, with the context of the caller, and what it
        returns is awaited if need be. A plain wrapper made with ``functools.wraps``
        around a coroutine function is called on the loop, as that function would be.
        """
        if inspect.iscoroutinefunction(func):
            return func
        if inspect.iscoroutinefunction(inspect.unwrap(func)):
            return _await_result(func)
        return _await_result(run_sync(func))

    # --- static files -------------------------------------------------------------

    async def startup(self) -> None:
        """Check the configuration, read the static files if they get fingerprints, then serve.

        Raises:
            ConfigurationError: If a key of this room holds a value that cannot work.
        """
        self.config.update(read(self, CONFIG))
        if self.config["STATIC_FINGERPRINT"]:
            owners = (self, *self.blueprints.values())
            folders = [str(owner.static_folder) for owner in owners if owner.static_folder]
            await asyncio.to_thread(self._fingerprints.read_ahead, folders)
        await super().startup()

    def url_for(
        self,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: Any,
    ) -> str:
        """Return the URL of an endpoint, as in Quart.

        A request builds the URL of a static file once, however often its page asks for it (an
        icon in every row); the same for other endpoints of the app itself with texts for values.
        """
        context: Any = _cv_request.get(None)
        options = (_anchor, _method, _scheme, _external)
        if context is None or context.url_adapter is None or options != _NO_OPTIONS:
            return super().url_for(
                endpoint,
                _anchor=_anchor,
                _method=_method,
                _scheme=_scheme,
                _external=_external,
                **values,
            )
        if (
            "." in endpoint
            or None in self.url_default_functions  # they may change their minds in between
            or not _MEMORABLE.issuperset(map(type, values.values()))
        ):
            return self._build(context, endpoint, values)
        key = (endpoint, *values.items())
        urls: dict[Any, str] = context.urls
        if key not in urls:
            urls[key] = self._build(context, endpoint, values)
        return urls[key]

    def _build(self, context: Any, endpoint: str, values: dict[str, Any]) -> str:
        """Do what Quart does in a request, without looking for other contexts: half of its work."""
        if endpoint.startswith("."):
            blueprint = context.request.blueprint
            endpoint = endpoint[1:] if blueprint is None else blueprint + endpoint
        self.inject_url_defaults(endpoint, values)
        try:
            url: str = context.url_adapter.build(endpoint, values)
        except BuildError as error:
            return self.handle_url_build_error(error, endpoint, values)
        return url

    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
        """Add the defaults of a URL; with STATIC_FINGERPRINT, ``v`` to those of static files."""
        super().inject_url_defaults(endpoint, values)
        if "filename" in values and self.config["STATIC_FINGERPRINT"]:
            fingerprint = self._fingerprints.of_url(self, endpoint, values["filename"])
            if fingerprint is not None:
                values.setdefault("v", fingerprint)

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return the seconds to keep a file: a year if the URL has its fingerprint."""
        if filename and self.config["STATIC_FINGERPRINT"] and has_request_context():
            asked = request_ctx.request.args.get("v")
            if asked and asked == self._fingerprints.of(filename):
                return ONE_YEAR
        return super().get_send_file_max_age(filename)


def _await_result(func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        while inspect.isawaitable(result):
            result = await result
        return result

    return call
