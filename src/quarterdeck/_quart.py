"""Private names of Quart, Flask and Werkzeug that the kit needs, in one place.

``PRIVATE`` lists them with the reason for each, also those that a subclass in a room overrides
or reads on itself. ``tests/policies/test_upstreams.py`` checks that they exist and that no other
module uses further ones. All access to the context variables goes through this module.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial, wraps
from typing import Any, TypeVar, cast

import quart.ctx
import quart.globals
from quart import Quart
from quart.globals import _cv_app, app_ctx
from quart.helpers import _split_blueprint_path as split_blueprint_path

__all__ = [
    "MERGED_CONTEXTS",
    "PRIVATE",
    "ActiveContexts",
    "activate",
    "activate_connection",
    "app_context",
    "call",
    "connection_of",
    "current_app_context",
    "current_request_context",
    "current_websocket_context",
    "deactivate",
    "only_error",
    "request_context",
    "split_blueprint_path",
    "takes_context",
    "unwrap",
    "websocket_context",
]

T = TypeVar("T")

#: Quart 0.23 has one context for the app and the connection, and its methods take it as their
#: first argument. Quart 0.22 has one each for the app, the request and the WebSocket.
MERGED_CONTEXTS = not hasattr(quart.ctx, "RequestContext")

#: "module:name" with the reason. The bounds in pyproject.toml name the versions.
PRIVATE = {
    "quart.asgi:ASGIHTTPConnection._create_request_from_scope": "the path is checked first",
    "quart.asgi:ASGIHTTPConnection._send_response": "a body in memory is sent as one message",
    "quart.asgi:ASGIWebsocketConnection._accepted": "whether a refusal can still be an answer",
    "quart.asgi:ASGIWebsocketConnection._create_websocket_from_scope": "the path is checked first",
    "quart.blueprints:Blueprint._merge_blueprint_funcs": "hooks of nested blueprints are merged",
    "quart.globals:_cv_app": "looked up without the cost and the error of the proxy",
    "quart.helpers:_split_blueprint_path": "the names of the blueprints around a view",
    "quart.json.provider:JSONProvider._prepare_response_obj": "the argument rules of jsonify",
    "quart.testing.connections:TestHTTPConnection._asgi_send": "the test client keeps messages",
    "quart.testing.connections:TestWebsocketConnection._asgi_send": "it keeps the close code",
    "quart.testing.connections:TestWebsocketConnection._receive_queue": "messages for the test",
    "quart.wrappers.request:Request._load_form_data": "a refused form is not parsed again",
    "quart.wrappers.request:Request._parsing_lock": "two tasks do not parse one form",
    "quart.wrappers.request:Request._cached_json": "JSON is kept as Quart keeps it",
    "quart.wrappers.response:Response._process_range_request": "ranges of files are read lazily",
    "werkzeug.wrappers:Response._clean_status": "the line of a status is made once",
    "werkzeug.wrappers:Response._is_range_request_processable": "the rule of If-Range",
    "quart.asgi:ASGIHTTPConnection._send_push_promise": "given to each request, as Quart does",
    "werkzeug.datastructures:Headers._list": "headers of a request are checked once",
    "werkzeug.routing:Map._rules_by_endpoint": "whether an endpoint has one rule only",
    "werkzeug.routing:Rule._converters": "the converter of a variable",
    "werkzeug.routing:Rule._compile_builder": "URL builders are compiled when they are first used",
    "werkzeug.routing:Rule._parse_rule": "all apps of a process share what rules mean",
    "werkzeug.routing:Rule._trace": "what a rule means, in pieces",
    "werkzeug.local:LocalProxy._get_current_object": "an object outlives the context of its proxy",
}


#: The names of Quart 0.22 and below.
PRIVATE_SEPARATE = {
    "quart.ctx:_BaseRequestWebsocketContext": "both contexts keep errors for the error handlers",
    "quart.ctx:RequestContext._push": "an error of the session store reaches the error handlers",
    "quart.ctx:AppContext._cv_tokens": "tells whether the outermost push has been popped",
    "quart.ctx:RequestContext._after_request_functions": "after_this_request functions are run",
    "quart.ctx:WebsocketContext._after_websocket_functions": "the same for WebSockets",
    "quart.ctx:_sentinel": "the default of pop(), the exception that is being handled",
    "quart.globals:_cv_request": "looked up without the cost and the error of the proxy",
    "quart.globals:_cv_websocket": "looked up without the cost and the error of the proxy",
}

#: The names of Quart 0.23.
PRIVATE_MERGED = {
    "quart.ctx:AppContext._request": "whether the context has a request, without an error",
    "quart.ctx:AppContext._websocket": "whether the context has a WebSocket, without an error",
    "quart.ctx:AppContext._request_websocket": "the request or the WebSocket of a context",
    "quart.ctx:AppContext._session": "the session, without a mark that it was read",
    "quart.ctx:AppContext._cv_token": "the context is pushed and popped here",
    "quart.ctx:AppContext._push_count": "the context is pushed and popped here",
    "quart.ctx:AppContext._after_request_functions": "after_this_request functions are run",
    "quart.ctx:AppContext._after_websocket_functions": "the same for WebSockets",
}

PRIVATE |= PRIVATE_MERGED if MERGED_CONTEXTS else PRIVATE_SEPARATE

# --- contexts -------------------------------------------------------------------------

_cv_request: Any = getattr(quart.globals, "_cv_request", _cv_app)
_cv_websocket: Any = getattr(quart.globals, "_cv_websocket", _cv_app)


#: Returns the context of the current app, None outside one; pages ask hundreds of times.
app_context: Callable[[], Any] = partial(_cv_app.get, None)


def request_context() -> Any:
    """Return the context of the current request, None outside one."""
    context = _cv_request.get(None)
    if MERGED_CONTEXTS and context is not None and context._request is None:
        return None
    return context


def websocket_context() -> Any:
    """Return the context of the current WebSocket, None outside one."""
    context = _cv_websocket.get(None)
    if MERGED_CONTEXTS and context is not None and context._websocket is None:
        return None
    return context


def connection_of(context: Any) -> Any:
    """Return the request or the WebSocket of a context, None if it has neither."""
    if MERGED_CONTEXTS:
        return getattr(context, "_request_websocket", None)
    return getattr(context, "request_websocket", None)


def current_app_context() -> Any:
    """Return the context of the current app.

    Raises:
        RuntimeError: If there is none.
    """
    return unwrap(app_ctx)


def current_request_context() -> Any:
    """Return the context of the current request.

    Raises:
        RuntimeError: If there is none.
    """
    context = request_context()
    if context is None:
        raise RuntimeError("Not within a request context")
    return context


def current_websocket_context() -> Any:
    """Return the context of the current WebSocket.

    Raises:
        RuntimeError: If there is none.
    """
    context = websocket_context()
    if context is None:
        raise RuntimeError("Not within a websocket context")
    return context


def activate(context: Any) -> Any:
    """Make a context the current one until its token is given to ``deactivate``."""
    return _cv_app.set(context)


def deactivate(token: Any) -> None:
    """Make the context current that was current before."""
    token.var.reset(token)


def activate_connection(context: Any) -> Any:
    """Make the context of a request or WebSocket the current one, in Quart 0.22."""
    is_request = isinstance(context, cast(Any, quart.ctx).RequestContext)
    return (_cv_request if is_request else _cv_websocket).set(context)


class ActiveContexts:
    """Makes the contexts of an ended request the current ones, for a test that reads them."""

    def __init__(self) -> None:
        self._tokens: list[tuple[Any, Any]] = []

    def show(self, context: Any) -> None:
        """Make a context the current one; also that of its app, in Quart 0.22."""
        tokens = [(_cv_request, _cv_request.set(context))]
        if not MERGED_CONTEXTS:
            app_context = getattr(context, "app_context", None) or context.app.app_context()
            tokens.append((_cv_app, _cv_app.set(app_context)))
        self._tokens = self._tokens or tokens

    def hide(self) -> None:
        """Make the contexts current that were current before."""
        for variable, token in self._tokens:
            with suppress(ValueError):  # a fixture ends in another context than its test
                variable.reset(token)
        self._tokens = []


# --- methods that take a context ------------------------------------------------------


def call(method: Callable[..., T], context: Any, *args: Any, **options: Any) -> T:
    """Call a method of an app in the form of the installed Quart.

    Quart 0.23 passes the context first. Quart 0.22 does not pass it.
    """
    bound: Any = method
    ours: Any = _TAKE_CONTEXT.get(getattr(bound, "__func__", None))
    if ours is not None:  # no subclass has overridden it
        result: T = ours(bound.__self__, context, *args, **options)
        return result
    return method(context, *args, **options) if MERGED_CONTEXTS else method(*args, **options)


def takes_context(
    position: int | None = None,
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Let a method that takes the context first be called in the form of Quart 0.22 too.

    Args:
        position: The place of the optional context in that form; None if it has no such argument.
    """

    def decorate(method: Callable[..., T]) -> Callable[..., T]:
        @wraps(method)
        def called(app: Any, *args: Any, **options: Any) -> T:
            if args and _is_context(args[0]):
                return method(app, *args, **options)
            context = next((options.pop(name) for name in _NAMES if name in options), None)
            if position is not None and len(args) > position:
                context = args[position]
                args = (*args[:position], *args[position + 1 :])
            context = context or request_context() or websocket_context() or _cv_app.get(None)
            return method(app, context, *args, **options)

        _TAKE_CONTEXT[called] = method
        return called

    return decorate


#: The methods that ``takes_context`` has decorated, each with its plain function.
_TAKE_CONTEXT: dict[Any, Callable[..., Any]] = {}


_NAMES = ("ctx", "request_context", "websocket_context")
_CONTEXTS = (
    (quart.ctx.AppContext,)
    if MERGED_CONTEXTS
    else (quart.ctx.AppContext, cast(Any, quart.ctx)._BaseRequestWebsocketContext)
)


def _is_context(value: object) -> bool:
    return isinstance(value, _CONTEXTS)


# --- errors ---------------------------------------------------------------------------


def only_error(error: BaseException) -> BaseException:
    """Return the error that a group of one error stands for; else the error itself.

    Quart 0.23 wraps the errors of teardown functions, and in an app of its own all errors of a
    connection.
    """
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


# --- proxies --------------------------------------------------------------------------


def stop_first(app: Quart, function: Callable[[], Awaitable[None]]) -> None:
    """Call ``function`` before all other ``after_serving`` functions.

    For tasks that use what these close, such as the database: Quart calls them in the order in
    which they were registered.
    """
    app.after_serving_funcs.insert(0, function)


def unwrap(proxy: T) -> T:
    """Return the object that a context proxy stands for now, such as ``current_app``.

    Raises:
        RuntimeError: If the proxy is used outside its context.
    """
    return cast(T, cast(Any, proxy)._get_current_object())
