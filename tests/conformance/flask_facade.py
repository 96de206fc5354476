"""Flask's names over the kit, without ``await``: for running Flask's own tests against it.

A pytest plugin. Each test runs in a greenlet of an event loop: where it calls something that is
to be awaited here, the greenlet waits. So a test that passes has shown that the kit behaves as
Flask, apart from ``await``. ``python -m tests.conformance.flask`` runs them.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

import _pytest.monkeypatch
import quart
import quart.cli
import quart.ctx
import quart.globals
import quart.helpers
import quart.json
import quart.json.provider
import quart.json.tag
import quart.logging
import quart.sessions
import quart.signals
import quart.templating
import quart.testing
import quart.views
from _pytest.runner import runtestprotocol
from sqlalchemy.util import await_only, greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet

import quarterdeck.app as kit
from quarterdeck.app.request import Request as KitRequest
from quarterdeck.app.response import Response as KitResponse
from quarterdeck.app.testing import TestClient


def waits() -> bool:
    """Whether this is code of a test or a plain view, which cannot await."""
    return in_greenlet()


def finished(value: Any) -> Any:
    """Return the result of an awaitable, in code that cannot await; else the value itself."""
    if inspect.isawaitable(value) and waits():
        return await_only(value)
    return value


def dual(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function be called without ``await`` where nothing can be awaited."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        return finished(function(*args, **options))

    return call


def facade(cls: type[Any]) -> Any:
    """A subclass whose async methods and properties need no ``await`` in a test."""
    body: dict[str, Any] = {}
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        if name.startswith("__"):
            continue
        if inspect.iscoroutinefunction(member):
            body[name] = dual(member)
        elif type(member) is property and member.fget is not None:  # Werkzeug's cache is another
            body[name] = property(dual(member.fget), member.fset)
    return type(cls.__name__, (cls,), body)


class Waiting:
    """An async context manager, or a context with ``push`` and ``pop``, for ``with``."""

    def __init__(self, inner: Any) -> None:
        self.__dict__["inner"] = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return dual(found) if inspect.iscoroutinefunction(found) else found

    def __enter__(self) -> Any:
        entered = finished(self.inner.__aenter__())
        if entered is self.inner:
            return self
        return Waiting(entered) if hasattr(entered, "read") else entered

    def __exit__(self, *error: Any) -> Any:
        return finished(self.inner.__aexit__(*error))

    async def __aenter__(self) -> Any:
        return await self.inner.__aenter__()

    async def __aexit__(self, *error: Any) -> Any:
        return await self.inner.__aexit__(*error)


def entered_by_with(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **options: Any) -> Any:
        made = method(*args, **options)
        return Waiting(made) if waits() else made

    return call


def opened(method: Callable[..., Any]) -> Callable[..., Any]:
    return entered_by_with(dual(method))


class Client(facade(TestClient)):  # type: ignore[misc]
    session_transaction = entered_by_with(TestClient.session_transaction)

    def __enter__(self) -> Any:
        return finished(self.__aenter__())

    def __exit__(self, *error: Any) -> None:
        finished(self.__aexit__(*error))


Request = facade(KitRequest)


class Response(facade(KitResponse)):  # type: ignore[misc]
    def close(self) -> None:
        """Do nothing: in Flask a test closes the file that a response reads from."""


class Flask(facade(kit.Quart)):  # type: ignore[misc]
    request_class = Request
    response_class = Response
    test_client_class = Client
    app_context = entered_by_with(kit.Quart.app_context)
    test_request_context = entered_by_with(kit.Quart.test_request_context)
    request_context = entered_by_with(kit.Quart.request_context)
    open_resource = opened(kit.Quart.open_resource)
    open_instance_resource = opened(kit.Quart.open_instance_resource)

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Run a plain view in a greenlet instead of a thread."""
        if inspect.iscoroutinefunction(func):
            return func

        @functools.wraps(func)
        async def run(*args: Any, **options: Any) -> Any:
            return await greenlet_spawn(func, *args, **options)

        return run

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return dual(func)


class Blueprint(facade(kit.Blueprint)):  # type: ignore[misc]
    pass


def module(name: str, *sources: types.ModuleType, **names: Any) -> types.ModuleType:
    """A module with the names of others, functions among them without ``await``."""
    made = types.ModuleType(name)
    made.__path__ = []
    for source in sources:
        for key, value in vars(source).items():
            if not key.startswith("__"):
                is_function = isinstance(value, types.FunctionType)  # a proxy is none
                is_async = is_function and inspect.iscoroutinefunction(value)
                setattr(made, key, dual(value) if is_async else value)
    vars(made).update(names)
    sys.modules[name] = made
    return made


#: Names that only a WSGI framework has; the tests that use them fail.
ABSENT = {
    "cli": ("find_best_app", "get_version", "locate_app", "prepare_import", "run_command"),
    "logging": ("has_level_handler", "wsgi_errors_stream"),
    "testing": ("EnvironBuilder", "FlaskCliRunner"),
}


def install() -> None:
    """Put the facade in the place of ``flask``, for imports that come after it."""
    own: dict[str, Any] = {
        "Flask": Flask,
        "Blueprint": Blueprint,
        "Request": Request,
        "Response": Response,
        "send_file": dual(kit.send_file),
        "send_from_directory": dual(kit.send_from_directory),
        "stream_with_context": kit.stream_with_context,
    }
    flask = module("flask", quart, **own)
    parts = {
        "app": module("flask.app", quart.app, Flask=Flask),
        "blueprints": module("flask.blueprints", quart.blueprints, Blueprint=Blueprint),
        "cli": module("flask.cli", quart.cli, FlaskGroup=quart.cli.QuartGroup),
        "config": module("flask.config", quart.config),
        "ctx": module("flask.ctx", quart.ctx),
        "globals": module("flask.globals", quart.globals),
        "helpers": module("flask.helpers", quart.helpers, **own),
        "json": module("flask.json", quart.json, tag=quart.json.tag, provider=quart.json.provider),
        "logging": module("flask.logging", quart.logging),
        "sessions": module("flask.sessions", quart.sessions),
        "signals": module("flask.signals", quart.signals),
        "templating": module("flask.templating", quart.templating),
        "testing": module("flask.testing", quart.testing, FlaskClient=Client),
        "views": module("flask.views", quart.views),
        "wrappers": module("flask.wrappers", Request=Request, Response=Response),
    }
    sys.modules["flask.json.tag"] = quart.json.tag
    sys.modules["flask.json.provider"] = quart.json.provider
    vars(flask).update(parts)
    for part, names in ABSENT.items():
        vars(parts[part]).update({name: None for name in names if not hasattr(parts[part], name)})
    if not hasattr(_pytest.monkeypatch, "notset"):  # the conftest of Flask knows an older pytest
        _pytest.monkeypatch.notset = _pytest.monkeypatch.NOTSET  # type: ignore[attr-defined]


def pytest_runtest_protocol(item: Any, nextitem: Any) -> bool:
    """Run a test with its fixtures in a greenlet of a new event loop.

    Garbage goes first: warnings about that of an earlier test would count as those of this one.
    """
    gc.collect()
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    asyncio.run(greenlet_spawn(runtestprotocol, item, nextitem=nextitem))
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


install()
gc.freeze()  # so that each collection looks at the objects of the tests alone
