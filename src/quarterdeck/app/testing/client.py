"""The test client: Flask's arguments and Quart's, and errors that reach the test."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from email.message import Message
from http.cookiejar import Cookie
from types import SimpleNamespace, TracebackType
from typing import Any, Self, cast
from urllib.parse import urljoin, urlsplit
from urllib.request import Request as CookieRequest

from quart.sessions import SessionMixin
from quart.testing import QuartClient

from quarterdeck._quart import ActiveContexts
from quarterdeck.app.context import AsyncOnly

from .arguments import Arguments, read_arguments
from .connections import HTTPTestConnection, WebsocketTestConnection
from .response import TestResponse, test_response_class

MAX_REDIRECTS = 20
REDIRECTS = {300, 301, 302, 303, 305, 307, 308}
REDIRECTS_OF_THE_SAME_REQUEST = {307, 308}
HEADERS_OF_A_BODY = ("Content-Type", "Content-Length", "Transfer-Encoding")


class TestClient(AsyncOnly, QuartClient):
    """The class of ``app.test_client()``.

    An exception that no error handler takes is raised in the test, if ``TESTING`` is set. In
    ``async with client:`` the context of the last request stays the current one, so that a test
    can read ``g``, ``session`` and ``request``; its teardown functions have run.

    Attributes:
        environ_base: ``REMOTE_ADDR`` and ``HTTP_*`` for all requests, as in Flask.
    """

    __test__ = False  # pytest must not collect it
    http_connection_class = HTTPTestConnection
    websocket_connection_class = WebsocketTestConnection

    def __init__(self, app: Any, use_cookies: bool = True) -> None:
        super().__init__(app, use_cookies)
        self.environ_base: dict[str, Any] = {}
        self._contexts = ActiveContexts()

    # --- requests -----------------------------------------------------------------

    async def open(
        self,
        path: str = "/",
        base_url: str | None = None,
        *,
        follow_redirects: bool = False,
        buffered: bool = True,
        **arguments: Any,
    ) -> TestResponse:
        """Make a request.

        Args:
            path: With or without a query; or a whole URL.
            base_url: Scheme, host and root path of the URL.
            follow_redirects: Return the last response; ``history`` has the others.
            buffered: Accepted for Flask; a response is always read whole.
            arguments: See ``read_arguments``.

        Raises:
            RuntimeError: If redirects lead to another host, or do not end.
        """
        self.push_promises = []
        wanted = self._read(path, {"base_url": base_url, **arguments})
        response = await self._send(wanted)
        history: list[TestResponse] = []
        while follow_redirects and response.status_code in REDIRECTS and response.location:
            if len(history) == MAX_REDIRECTS:
                raise RuntimeError(f"'{path}' leads to more than {MAX_REDIRECTS} redirects.")
            history.append(response)
            wanted = _redirected(wanted, response)
            response = await self._send(wanted)
        response.history = tuple(history)
        if self.preserve_context:
            self._contexts.show(self.app._preserved_context)
        return response

    def _read(self, path: str, arguments: dict[str, Any]) -> Arguments:
        self._contexts.hide()  # or the request would share the 'g' of the one before
        environ = {**self.environ_base, **(arguments.pop("environ_base", None) or {})}
        return read_arguments(self.app, path, environ_base=environ, **arguments)

    async def _send(self, wanted: Arguments) -> TestResponse:
        scope = self._with_cookies(wanted).make_scope(_preserve_context=self.preserve_context)
        async with self.http_connection_class(
            self.app, scope, _preserve_context=self.preserve_context
        ) as connection:
            await connection.send(wanted.body)
            await connection.send_complete()
        made: Any = await connection.as_response()
        made.__class__ = test_response_class(cast(Any, type(made)))
        response = cast(TestResponse, made)
        response.request = wanted.make_request(self.app, scope)
        self._keep_cookies(wanted, response)
        self.push_promises.extend(connection.push_promises)
        return response

    def request(self, path: str = "/", **arguments: Any) -> Any:
        """Return a connection of which the test sends and receives each piece."""
        wanted = self._with_cookies(self._read(path, arguments))
        scope = wanted.make_scope(_preserve_context=self.preserve_context)
        return self.http_connection_class(self.app, scope, _preserve_context=self.preserve_context)

    def websocket(
        self, path: str = "/", *, subprotocols: list[str] | None = None, **arguments: Any
    ) -> Any:
        """Return a WebSocket, to be used with ``async with``."""
        wanted = self._with_cookies(self._read(path, {"scheme": "ws", **arguments}))
        scope = wanted.make_scope("websocket", _preserve_context=self.preserve_context)
        return self.websocket_connection_class(
            self.app, {**scope, "subprotocols": subprotocols or []}
        )

    # --- cookies ------------------------------------------------------------------

    def _with_cookies(self, wanted: Arguments) -> Arguments:
        headers = wanted.headers.copy()
        for cookie in self.cookie_jar or ():
            headers.add("Cookie", f"{cookie.name}={cookie.value}")
        return replace(wanted, headers=headers)

    def _keep_cookies(self, wanted: Arguments, response: TestResponse) -> None:
        if self.cookie_jar is None:
            return
        headers = Message()
        for value in response.headers.getlist("Set-Cookie"):
            headers["Set-Cookie"] = value
        answer = SimpleNamespace(info=lambda: headers)
        self.cookie_jar.extract_cookies(
            cast(Any, answer),
            CookieRequest(wanted.url),  # noqa: S310 - it is not opened
        )

    def set_cookie(self, *names: str, **options: Any) -> None:  # type: ignore[override]  # Flask's arguments or Quart's
        """Set a cookie: ``(key, value)`` as in Flask, ``(server_name, key, value)`` as in Quart."""
        given = len(names) + ("key" in options) + ("value" in options)
        cast(Any, super()).set_cookie(*_with_server(names, options, given < 3), **options)

    def delete_cookie(self, *names: str, **options: Any) -> None:  # type: ignore[override]  # Flask's arguments or Quart's
        """Delete a cookie: ``(key)`` as in Flask, ``(server_name, key)`` as in Quart."""
        given = len(names) + ("key" in options)
        names = _with_server(names, options, given < 2)
        cast(Any, super()).set_cookie(*names, **{"max_age": 0, "expires": 0, **options})

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        """Return a cookie that was set for a host and a path, None if there is none."""
        hosts = {domain, f".{domain}", f"{domain}.local"}  # the jar's name for a host without dots
        for cookie in self.cookie_jar or ():
            if cookie.name == key and cookie.domain in hosts and cookie.path == path:
                return cookie
        return None

    # --- contexts -----------------------------------------------------------------

    def session_transaction(  # type: ignore[override]  # another class than Quart's
        self, *args: Any, **options: Any
    ) -> AbstractAsyncContextManager[SessionMixin]:
        """Change the browser session in ``async with client.session_transaction() as session:``."""
        return SessionTransaction(super().session_transaction(*args, **options))

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def __aexit__(self, *args: Any) -> None:
        self.preserve_context = False
        self._contexts.hide()


class SessionTransaction(AsyncOnly, AbstractAsyncContextManager[SessionMixin]):
    """The context manager of ``client.session_transaction()``."""

    def __init__(self, transaction: AbstractAsyncContextManager[SessionMixin]) -> None:
        self._transaction = transaction

    async def __aenter__(self) -> SessionMixin:
        return await self._transaction.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._transaction.__aexit__(exc_type, exc_value, traceback)


def _with_server(
    names: tuple[str, ...], options: dict[str, Any], as_in_flask: bool
) -> tuple[str, ...]:
    """Return the positional arguments with the host first, which is ``domain`` in Flask."""
    if not as_in_flask or "server_name" in options:
        return names
    options.pop("origin_only", None)
    return (options.pop("domain", "localhost"), *names)


def _redirected(wanted: Arguments, response: TestResponse) -> Arguments:
    """Return the request that a browser makes after a redirect.

    Raises:
        RuntimeError: If it leads to a host that is not the app's.
    """
    url = urlsplit(urljoin(wanted.url, response.location))
    here, there = urlsplit(wanted.url).hostname or "", url.hostname or ""
    if there != here and not there.endswith(f".{here}") and not here.endswith(f".{there}"):
        raise RuntimeError(
            f"The app redirects to '{response.location}', which is another host. "
            "Read 'response.location' instead of following it."
        )
    target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    after = read_arguments(response, target, base_url=f"{url.scheme}://{url.netloc}")
    headers = wanted.headers.copy()
    headers["Host"] = url.netloc
    method, body = wanted.method, wanted.body
    if response.status_code not in REDIRECTS_OF_THE_SAME_REQUEST:
        method, body = method if method == "HEAD" else "GET", b""
        for name in HEADERS_OF_A_BODY:
            headers.remove(name)
    return replace(
        wanted,
        path=after.path,
        raw_path=after.raw_path,
        query_string=after.query_string,
        scheme=after.scheme,
        method=method,
        headers=headers,
        body=body,
    )
