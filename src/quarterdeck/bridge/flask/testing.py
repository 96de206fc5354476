"""The test client with Flask's arguments, for plain and async tests, and the runner of commands."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import click.testing
from quart.cli import ScriptInfo
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder

from quarterdeck.app.testing import TestClient
from quarterdeck.bridge.colours import coloured
from quarterdeck.bridge.waiting import asynchronous, in_bridge, run, wait

__all__ = ["EnvironBuilder", "FlaskCliRunner", "FlaskClient", "request_arguments"]

_WITHOUT_MEANING = ("errors_stream", "content_length", "multithread", "multiprocess", "run_once")
_OF_ADDRESS = ("REMOTE_ADDR", "REMOTE_PORT")


def request_arguments(args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a request of Flask's test client in the form of the kit's."""
    given = dict(options)
    if args:
        given["base_url"] = args[0]
    for name in _WITHOUT_MEANING:
        given.pop(name, None)
    stream = given.pop("input_stream", None)
    if stream is not None:
        given["data"] = stream.read()
    environ = {**(given.pop("environ_base", None) or {})}
    environ |= given.pop("environ_overrides", None) or {}
    if "wsgi.url_scheme" in environ:
        given.setdefault("url_scheme", environ["wsgi.url_scheme"])
    known = {
        name: value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in _OF_ADDRESS
    }
    if known:
        given["environ_base"] = known
    for name in ("data", "query_string"):
        if isinstance(given.get(name), Mapping):
            given[name] = _without_none(given[name])
    return given


def _without_none(values: Mapping[str, Any]) -> Any:
    if isinstance(values, MultiDict):
        return MultiDict((k, v) for k, v in values.items(multi=True) if v is not None)
    return {
        name: list(value) if isinstance(value, tuple) and not hasattr(value[0], "read") else value
        for name, value in values.items()
        if value is not None
    }


class FlaskClient:
    """A test client: ``client.get("/")``, with ``await`` in an async test.

    Attributes:
        application: The app.
        environ_base: ``REMOTE_ADDR`` and ``HTTP_*`` of all requests.
    """

    def __init__(self, app: Any, *args: Any, use_cookies: bool = True, **options: Any) -> None:
        self.application = app
        self._client = TestClient(app, use_cookies)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._client, name)

    @property
    def environ_base(self) -> dict[str, Any]:
        return self._client.environ_base

    @environ_base.setter
    def environ_base(self, values: dict[str, Any]) -> None:
        self._client.environ_base = {
            name: value
            for name, value in values.items()
            if name.startswith("HTTP_") or name in _OF_ADDRESS
        }

    async def _open(self, path: Any = "/", *args: Any, **options: Any) -> Any:
        if isinstance(path, EnvironBuilder):
            path, built = path.path, path
            options = {**_options_of(built), **options}
        return await self._client.open(path, **request_arguments(args, options))

    open = coloured(_open, name="client.open")

    def session_transaction(self, *args: Any, **options: Any) -> _BothWays:
        """Change the browser session in a ``with`` block."""
        given = request_arguments(args, options)
        return _BothWays(self._client.session_transaction(**given))

    def __enter__(self) -> Self:
        wait(self._client.__aenter__())
        return self

    def __exit__(self, *error: Any) -> None:
        wait(self._client.__aexit__(*error))

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._client.__aexit__(*error)


def _verb(method: str) -> Any:
    async def send(self: FlaskClient, path: Any = "/", *args: Any, **options: Any) -> Any:
        return await asynchronous(self.open)(path, *args, method=method, **options)

    return coloured(send, name=f"client.{method.lower()}")


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"):
    setattr(FlaskClient, _method.lower(), _verb(_method))


class _BothWays:
    """An async context manager that a plain ``with`` enters too."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def __enter__(self) -> Any:
        return wait(self._manager.__aenter__())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        return wait(self._manager.__aexit__(kind, error, traceback))

    async def __aenter__(self) -> Any:
        return await self._manager.__aenter__()

    async def __aexit__(self, *error: Any) -> Any:
        return await self._manager.__aexit__(*error)


def _options_of(builder: EnvironBuilder) -> dict[str, Any]:
    environ = builder.get_environ()
    body = environ["wsgi.input"].read()
    return {
        "method": builder.method,
        "headers": builder.headers,
        "data": body,
        "content_type": environ.get("CONTENT_TYPE"),
        "query_string": environ["QUERY_STRING"],
        "base_url": builder.base_url,
    }


class FlaskCliRunner(click.testing.CliRunner):
    """Runs commands in a test: ``runner.invoke(args=["init-db"])``."""

    def __init__(self, app: Any, **options: Any) -> None:
        self.app = app
        super().__init__(**options)

    def invoke(self, cli: Any = None, args: Any = None, **options: Any) -> Any:  # type: ignore[override]  # the command may be left out, as in Flask
        """Run a command of the app; its commands by name if ``cli`` is left out."""
        command = self.app.cli if cli is None else cli
        options.setdefault("obj", ScriptInfo(create_app=lambda: self.app))
        given = args if args is None or isinstance(args, str) else [str(each) for each in args]
        if in_bridge():
            return super().invoke(command, given, **options)
        return run(super().invoke, command, given, **options)
