"""``Flask``, the application object."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Coroutine
from typing import Any, cast
from urllib.parse import urljoin

import quart
from flask.sessions import NullSession

from quarterdeck._quart import call, request_context, takes_context
from quarterdeck._unawaited import check_at_the_end
from quarterdeck.app import Quart
from quarterdeck.app.plain_wrapper import original_of
from quarterdeck.bridge.blocking import watch
from quarterdeck.bridge.colours import coloured
from quarterdeck.bridge.config import CONFIG
from quarterdeck.bridge.threads import call_in_thread
from quarterdeck.bridge.waiting import asynchronous, drive
from quarterdeck.config import read

from .cli import AppGroup
from .contexts import both_ways
from .resources import InstanceResources
from .testing import FlaskClient, FlaskCliRunner, request_arguments
from .wrappers import Request, Response
from .wsgi import WSGIApp, through_middleware

__all__ = ["Flask"]

#: Arguments of Flask's development server that have no meaning here.
_OF_WERKZEUG = (
    "threaded", "processes", "passthrough_errors", "use_debugger", "use_evalex", "extra_files",
    "exclude_patterns", "reloader_type", "reloader_interval", "request_handler", "static_files",
    "ssl_context",
)  # fmt: skip


class Flask(InstanceResources, Quart):
    """The application object of code that is not async, or not yet.

    Takes the arguments of ``flask.Flask``. Views, hooks, error handlers, loaders and commands
    may be plain functions or ``async``. The plain ones run on the event loop in a greenlet:
    where they wait, other requests go on.
    """

    request_class = Request
    response_class = Response
    test_client_class: Any = FlaskClient
    test_cli_runner_class: Any = FlaskCliRunner

    def __init__(self, import_name: str, *args: Any, **options: Any) -> None:
        super().__init__(import_name, *args, **options)
        self.cli = AppGroup(name=self.name)
        self._wsgi: Any = WSGIApp(self)
        for key in CONFIG:  # tests of an app cannot always reach its configuration
            self.config.setdefault(key.name, os.environ.get(key.name, key.default))
        read(self, CONFIG)
        check_at_the_end(self)
        self.jinja_env.globals["get_flashed_messages"] = get_flashed_messages

    # --- running code ---------------------------------------------------------------

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return an awaitable form of a function; a plain one may wait."""
        original = original_of(func)
        if original is not func or inspect.iscoroutinefunction(func):
            return cast("Callable[..., Coroutine[Any, Any, Any]]", original)
        return asynchronous(func)

    async def asgi_app(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a connection, through the WSGI middleware of ``wsgi_app`` if there is any."""
        if scope["type"] == "http" and not isinstance(self._wsgi, WSGIApp):
            await through_middleware(self._wsgi, super().asgi_app, scope, receive, send)
        else:
            await super().asgi_app(scope, receive, send)

    async def handle_request(self, request: Any) -> Any:
        """Answer a request in a greenlet of its own."""
        with watch(self):
            return await drive(super().handle_request(request))

    async def handle_websocket(self, websocket: Any) -> Any:
        """Serve a WebSocket in a greenlet of its own."""
        return await drive(super().handle_websocket(websocket))

    async def startup(self) -> None:
        """Check the configuration, then serve; the ``before_serving`` functions may wait."""
        self.config.update(read(self, CONFIG))
        await drive(super().startup())

    async def shutdown(self) -> None:
        """Stop; the ``after_serving`` functions may wait."""
        await drive(super().shutdown())

    @takes_context(0)
    async def dispatch_request(self, context: Any) -> Any:
        """Call the view of the request, in a thread if BRIDGE_THREADED_VIEWS names it."""
        threaded = self.config["BRIDGE_THREADED_VIEWS"]
        endpoint = context.request.endpoint
        if threaded and (endpoint in threaded or "*" in threaded):
            view = self.view_functions.get(endpoint)
            if view is not None and not inspect.iscoroutinefunction(view):
                values = context.request.view_args or {}
                return await call_in_thread(lambda: view(**values))
        return await call(super().dispatch_request, context)

    # --- answers --------------------------------------------------------------------

    make_response = coloured(Quart.make_response, name="app.make_response")

    @takes_context(1)
    async def process_response(self, context: Any, response: Any) -> Any:
        """Run the after_request functions and save the session."""
        response = await call(super().process_response, context, response)
        location = response.headers.get("Location")
        if location is not None and self.config["BRIDGE_ABSOLUTE_LOCATION"]:
            response.headers["Location"] = urljoin(context.request.url_root, location)
        return response

    @takes_context()
    async def do_teardown_appcontext(self, context: Any, exc: BaseException | None = None) -> None:
        """Run the teardown functions, unless the context of a test goes on after the request."""
        if not getattr(context, "is_shared", False):
            await call(super().do_teardown_appcontext, context, exc)

    # --- contexts -------------------------------------------------------------------

    def app_context(self) -> Any:
        """Return a context of the app for ``with`` or ``async with``."""
        return _renewed(super().app_context())

    def request_context(self, request: Any) -> Any:
        """Return a context for a request for ``with`` or ``async with``."""
        return _renewed(super().request_context(request))

    def test_request_context(self, path: str = "/", *args: Any, **options: Any) -> Any:
        """Return the context of a request that a test describes; takes Flask's arguments."""
        return super().test_request_context(path, **request_arguments(args, options))

    # --- tests and development ------------------------------------------------------

    def test_client(self, use_cookies: bool = True, **options: Any) -> Any:
        """Return a client for tests, for plain and async ones."""
        return self.test_client_class(self, use_cookies=use_cookies, **options)

    def test_cli_runner(self, **options: Any) -> Any:
        """Return a runner for commands in tests."""
        return self.test_cli_runner_class(self, **options)

    def run(self, *args: Any, **options: Any) -> None:
        """Serve for development; the arguments of Werkzeug's server have no effect."""
        for name in _OF_WERKZEUG:
            options.pop(name, None)
        super().run(*args, **options)

    @property
    def wsgi_app(self) -> Any:
        """Stands for the app in ``app.wsgi_app = Middleware(app.wsgi_app)``.

        Middleware sees each request and may change its environment or answer it. It does not
        see the response of the app.
        """
        return self._wsgi

    @wsgi_app.setter
    def wsgi_app(self, middleware: Any) -> None:
        self._wsgi = middleware


def _renewed(context: Any) -> Any:
    kind: Any = type(context)
    context.__class__ = both_ways(kind)
    return context


def get_flashed_messages(*args: Any, **options: Any) -> Any:
    """Return the flashed messages; none where the session cannot be opened, as in Flask."""
    context: Any = request_context()
    if context is None or isinstance(context.session, NullSession):
        return []
    return quart.get_flashed_messages(*args, **options)
