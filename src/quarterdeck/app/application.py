"""``Quart``, the application object."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Callable, Coroutine
from functools import cached_property, lru_cache
from types import FunctionType
from typing import Any, TypeVar

import quart
from flask.logging import default_handler  # the one that Quart takes, too
from flask.sansio.scaffold import setupmethod
from quart.cli import load_dotenv as read_dotenv
from quart.ctx import has_request_context
from quart.helpers import get_debug_flag, get_load_dotenv
from quart.routing import QuartMap
from quart.testing import no_op_push
from quart.utils import run_sync
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.datastructures import ImmutableDict
from werkzeug.routing import BuildError, MapAdapter

from quarterdeck._cli import AppGroup
from quarterdeck._marks import refuse_marks_without_extension
from quarterdeck._masking import masked
from quarterdeck._missing_extensions import hint_for_endpoint
from quarterdeck._quart import current_request_context, request_context
from quarterdeck._redaction import SafeFormatter
from quarterdeck._repeated_logs import RepeatedWarning
from quarterdeck._signed_cookie import CookieSessionInterface
from quarterdeck.config import read
from quarterdeck.exceptions import RequestClassError
from quarterdeck.routing import register_converters

from .client_watch import ClientWatch
from .config import CONFIG
from .connection import HTTPConnection
from .cycle import RequestCycle
from .fingerprint import ONE_YEAR, Fingerprints
from .first_request import FirstRequest
from .json import MsgspecJSONProvider
from .plain_wrapper import original_of, runner_of
from .request import Request
from .resources import InstanceResources
from .response import Response
from .rule import DEFAULT_PORTS, Rule, is_host_of
from .templating import Environment, template_context
from .testing import TestClient
from .testing.arguments import read_arguments
from .url_map import UrlMap
from .url_patterns import UrlPatterns
from .websocket import OpenWebsockets, Websocket, WebsocketConnection

F = TypeVar("F", bound=Callable[[], Any])


#: Flask's own context, with which every blueprint begins.
_FLASK_CONTEXT = quart.Blueprint("any", __name__).template_context_processors[None]
_NO_OPTIONS = (None, None, None, None)
_MEMORABLE = frozenset(
    {str, type(None)}
)  # equal values of these give equal URLs; 1 and True do not


class Config(quart.Config):
    """A configuration that can be printed: secrets and passwords in URLs are masked."""

    def __repr__(self) -> str:
        return f"<Config {masked(self)!r}>"


class Quart(InstanceResources, RequestCycle):
    """Quart with the holes filled that Flask applications fall into.

    Takes the arguments of ``quart.Quart``. ``docs/from-flask.md`` lists its additions.
    """

    config_class = Config
    asgi_http_class = HTTPConnection
    asgi_websocket_class = WebsocketConnection
    jinja_environment = Environment  # type: ignore[assignment]  # declared too narrowly
    test_client_class = TestClient  # type: ignore[assignment]  # not of Quart's protocol
    url_map_class = UrlMap
    url_rule_class = Rule  # type: ignore[assignment]  # declared too narrowly

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
        self._url_patterns = UrlPatterns(self.url_default_functions)
        self.open_websockets = OpenWebsockets()
        self.client_watch = ClientWatch()
        self.refused_hosts = RepeatedWarning(logging.getLogger("quarterdeck.app"))
        if type(self).session_interface is quart.Quart.session_interface:  # no class has its own
            self.session_interface = CookieSessionInterface()
        self.template_context_processors[None] = [template_context]
        register_converters(self)

    def register_blueprint(self, blueprint: Any, **options: Any) -> None:
        """Register a blueprint, as in Quart, without Flask's own template context.

        Flask gives it to each blueprint. It finds no contexts of Flask here, but as it is no
        coroutine function, each template of the blueprint waited for a thread that ran it.
        """
        super().register_blueprint(blueprint, **options)
        for processors in self.template_context_processors.values():
            processors[:] = [each for each in processors if each not in _FLASK_CONTEXT]

    @cached_property
    def logger(self) -> logging.Logger:
        """The app's logger; its default handler writes control characters as escapes."""
        logger = super().logger
        for handler in logger.handlers:
            plain = handler.formatter
            if handler is default_handler and not isinstance(plain, SafeFormatter | None):
                handler.setFormatter(SafeFormatter(plain))
        return logger

    def run(self, *args: Any, load_dotenv: bool = True, **options: Any) -> None:
        """Serve for development, as in Quart, after reading ``.env`` as in Flask.

        Args:
            args: As in Quart.
            load_dotenv: Whether variables that are not set are read from ``.env`` and
                ``.quartenv``. An app that is configured before the call does not see them.
            options: As in Quart.
        """
        if get_load_dotenv(load_dotenv) and read_dotenv() and "QUART_DEBUG" in os.environ:
            self.debug = get_debug_flag()
        super().run(*args, **options)

    # --- hooks --------------------------------------------------------------------

    @setupmethod
    def before_first_request(self, function: F) -> F:
        """Run ``function`` once per process, before the first request is handled.

        It runs in that request's context, whether HTTP or WebSocket; requests that come
        meanwhile wait. If it raises, that request fails and the next one tries again.
        """
        self._first_request.pending.append(function)
        return function

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return an awaitable form of ``func`` that never blocks the event loop.

        A plain function runs in a thread, with the context of the caller, and the value it
        returns is awaited if need be. A plain wrapper made with ``functools.wraps`` around a
        coroutine function runs in a thread too, and gets the result of that function, not the
        coroutine. If the wrapper is an object instead of a function, it is called on the loop.
        """
        plain = getattr(func, "__func__", func)  # a method is a new object each time
        if type(plain) is FunctionType and plain.__code__.co_flags & inspect.CO_COROUTINE:
            return func  # what the next line would find, at a tenth of the cost
        if inspect.iscoroutinefunction(func):
            return func
        original = original_of(func)
        if original is not func:
            return original
        if inspect.iscoroutinefunction(inspect.unwrap(func)):
            return runner_of(func) or _await_result(func)
        return _await_result(run_sync(func))

    def test_request_context(self, path: str = "/", **arguments: Any) -> Any:
        """Return the context of a request that a test describes, for ``async with``.

        Takes the arguments of the test client.
        """
        push_promise = arguments.pop("send_push_promise", no_op_push)
        wanted = read_arguments(self, path, **arguments)
        request = wanted.make_request(self, wanted.make_scope(), push_promise)
        return self.request_context(request)

    # --- static files -------------------------------------------------------------

    async def startup(self) -> None:
        """Check the configuration, read the static files if they get fingerprints, then serve.

        Raises:
            ConfigurationError: If a key of this room holds a value that cannot work.
            MarkWithoutExtensionError: If a decorator of a view needs an extension that is missing.
            RequestClassError: If ``request_class`` is not derived from that of the kit.
        """
        self.config.update(read(self, CONFIG))
        refuse_marks_without_extension(self)
        if not issubclass(self.request_class, Request):
            raise RequestClassError(self.request_class)
        if self.config["STATIC_FINGERPRINT"]:
            owners = (self, *self.blueprints.values())
            folders = [str(owner.static_folder) for owner in owners if owner.static_folder]
            await asyncio.to_thread(self._fingerprints.read_ahead, folders)
        await super().startup()

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        """Return the URL adapter of a request, or of the configuration.

        A host outside SERVER_NAME is served as the default subdomain, unless subdomains are
        matched strictly; TRUSTED_HOSTS refuses other hosts.
        """
        name = self.config["SERVER_NAME"]
        if request is None:
            if name is None:
                return None
            secure = self.config["PREFER_SECURE_URLS"]
            return self.url_map.bind(
                name,
                script_name=self.config["APPLICATION_ROOT"],
                url_scheme="https" if secure else self.config["PREFERRED_URL_SCHEME"],
            )
        url_map: QuartMap = self.url_map  # type: ignore[assignment]  # Flask's word for it
        if url_map.host_matching:  # the host of the request decides, not the configured one
            return url_map.bind_to_request(request, None, None)
        if name is None and not self.subdomain_matching:
            return MapAdapter(
                url_map,
                _server_name(request.scheme, request.host.lower()),
                request.root_path,
                url_map.default_subdomain,
                request.scheme,
                request.path,
                request.method,
                request.query_string.decode(),
            )
        if name is None or self.subdomain_matching or is_host_of(name, request):
            return super().create_url_adapter(request)
        return url_map.bind_to_request(request, url_map.default_subdomain or "", name)

    def url_for(
        self,
        /,
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
        context: Any = request_context()
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
        """Build a URL in a request as Quart does, without a search for other contexts."""
        if endpoint.startswith("."):
            blueprint = context.request.blueprint
            endpoint = endpoint[1:] if blueprint is None else blueprint + endpoint
        simple = self._url_patterns.build(context.url_adapter, endpoint, values)
        if simple is not None:
            is_file = "filename" in values and "v" not in values
            if is_file and (fingerprint := self._fingerprint(endpoint, values)):
                return f"{simple}{'?' if len(values) == 1 else '&'}v={fingerprint}"
            return simple
        self.inject_url_defaults(endpoint, values)
        try:
            url: str = context.url_adapter.build(endpoint, values)
        except BuildError as error:  # its handlers know the options, as in Flask
            values.update(_anchor=None, _method=None, _scheme=None, _external=False)
            return self.handle_url_build_error(error, endpoint, values)
        return url

    def handle_url_build_error(
        self, error: BuildError, endpoint: str, values: dict[str, Any]
    ) -> str:
        """Let the handlers build a URL, as in Quart; the error names a missing extension."""
        try:
            return super().handle_url_build_error(error, endpoint, values)
        except BuildError as final:
            if hint := hint_for_endpoint(endpoint):
                final.add_note(hint)
            raise

    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
        """Add the defaults of a URL; with STATIC_FINGERPRINT, ``v`` to those of static files."""
        super().inject_url_defaults(endpoint, values)
        if "filename" in values and (fingerprint := self._fingerprint(endpoint, values)):
            values.setdefault("v", fingerprint)

    def _fingerprint(self, endpoint: str, values: dict[str, Any]) -> str | None:
        if not self.config["STATIC_FINGERPRINT"]:
            return None
        return self._fingerprints.of_url(self, endpoint, values["filename"])

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return the seconds to keep a file: a year if the URL has its fingerprint."""
        if filename and self.config["STATIC_FINGERPRINT"] and has_request_context():
            asked = current_request_context().request.args.get("v")
            if asked and asked == self._fingerprints.of(filename):
                return ONE_YEAR
        return super().get_send_file_max_age(filename)


@lru_cache(256)
def _server_name(scheme: str, host: str) -> str:
    """Return the host of a request as URL adapters have it: in ASCII, without a default port.

    Raises:
        BadHost: If it is no name that can be written so.
    """
    adapter = QuartMap().bind(host.removesuffix(DEFAULT_PORTS.get(scheme, "")))
    return adapter.server_name


def _await_result(func: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        while inspect.isawaitable(result):
            result = await result
        return result

    return call
