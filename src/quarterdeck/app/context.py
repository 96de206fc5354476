"""Request and WebSocket contexts. Their own errors reach the app's error handlers.

An error before the view is called (the host is not trusted, the
session store is down) is kept in ``error``; dispatching raises it. An error
after the answer is there (a teardown function) is logged and the answer stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

from quart.sessions import SecureCookieSession, SessionMixin
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError

from quarterdeck._exchange import note_route
from quarterdeck._quart import connection_of
from quarterdeck._redaction import LOG_PATH, MASK, is_secret, printable, redacted_path
from quarterdeck.exceptions import ContextEndedError

from .url_map import match

if TYPE_CHECKING:
    from .application import Quart

MAX_SHOWN_HOST = 100  # characters of a host that a client has made up


class UnavailableSession(SecureCookieSession):
    """Stands in when the session could not be opened: empty, and never saved."""


class EndedGlobals:
    """The ``g`` of a task that outlived the context it was started in."""

    def _fail(self, *args: Any) -> NoReturn:
        raise ContextEndedError

    __getattr__ = __setattr__ = __delattr__ = __contains__ = __iter__ = _fail


class AsyncOnly:
    """Something that Flask uses with ``with``, and that needs ``async with`` here."""

    def __enter__(self) -> NoReturn:
        raise TypeError(f"'{type(self).__name__}' needs 'async with' instead of 'with'.")

    def __exit__(self, *args: object) -> None: ...


class ConnectionContext(AsyncOnly):
    """The part of a context that concerns its request or WebSocket, in any version of Quart."""

    app: Quart
    url_adapter: Any
    error: Exception | None = None
    _session: SessionMixin | None = None

    def prepare(self, app: Quart, connection: Any) -> None:
        """Check the host before the URL adapter is made from it."""
        self.error = getattr(connection, "refusal", None)
        self.urls: dict[Any, str] = {}  # those of static files, built again and again by a page
        trusted_hosts = app.config["TRUSTED_HOSTS"]
        if trusted_hosts is None:
            return
        connection.trusted_hosts = trusted_hosts
        try:
            connection.host  # noqa: B018 - werkzeug checks it on first access
        except SecurityError as error:
            app.refused_hosts.warning(
                "Requests are answered 400: the host %s is not in TRUSTED_HOSTS",
                printable(connection.headers.get("Host", "")[:MAX_SHOWN_HOST]),
            )
            # An error page may build URLs, and must not build them from a forged host.
            connection.host = ""
            self.error = self.error or error

    @property
    def session(self) -> SessionMixin | None:
        """The browser session; reading it here adds ``Vary: Cookie``."""
        if self._session is not None:
            self._session.accessed = True
        return self._session

    @session.setter
    def session(self, session: SessionMixin | None) -> None:
        self._session = session

    async def open_session(self) -> None:
        """Open the session if need be; an error waits for the error handlers."""
        if self._session is not None:
            return
        interface = self.app.session_interface
        try:
            open_session = self.app.ensure_async(interface.open_session)
            session: SessionMixin | None = await open_session(self.app, connection_of(self))
            if session is None:
                session = await interface.make_null_session(self.app)
            self._session = session
        except Exception as error:  # raised again before the hooks, inside of the error handlers
            self.error = self.error or error
            self._session = UnavailableSession()

    async def save_session(self, response: Any) -> None:
        """Hand the session to its interface, unless there is none to save."""
        interface = self.app.session_interface
        session = self._session
        if isinstance(session, UnavailableSession) or interface.is_null_session(session):
            return
        try:
            await self.app.ensure_async(interface.save_session)(self.app, session, response)
        except Exception:
            # The error page is saved too: it must not wait for the same store again.
            self._session = UnavailableSession()
            raise

    @property
    def is_matched(self) -> bool:
        """Whether the rule of the URL was looked up, perhaps by the session interface."""
        connection = connection_of(self)
        return bool(connection.url_rule or connection.routing_exception)

    def match_request(self) -> None:
        """Find the rule of the request, and decide how its path may be logged."""
        connection = connection_of(self)
        try:
            connection.url_rule, connection.view_args = match(self.url_adapter)
        except HTTPException as error:
            connection.routing_exception = error
        self._keep_secrets_out_of_logs(connection)

    def _keep_secrets_out_of_logs(self, connection: Any) -> None:
        note_route(connection)  # a refused request reaches no hook that could do it
        arguments = connection.view_args or self._arguments_of_another_method()
        if arguments:
            if any(is_secret(name) for name in arguments):
                connection.scope[LOG_PATH] = redacted_path(connection.path, arguments)
        elif connection.routing_exception is not None:
            self._mask_miscopied(connection)

    def _mask_miscopied(self, connection: Any) -> None:
        """Mask the rest of a path that begins as a rule does before its secret argument.

        It may be a link that was copied with a slash too many, and that still works without it.
        """
        path = connection.path
        for rule in self.app.url_map.iter_rules():
            if any(is_secret(name) for name in rule.arguments):
                prefix = rule.rule.partition("<")[0]
                if prefix != "/" and path.lower().startswith(prefix.lower()):
                    connection.scope[LOG_PATH] = f"{printable(path[: len(prefix)])}{MASK}"

    def _arguments_of_another_method(self) -> dict[str, Any] | None:
        """Return the arguments of the path if only the method is wrong: it is logged too."""
        error = connection_of(self).routing_exception
        if not isinstance(error, MethodNotAllowed) or not error.valid_methods:
            return None
        method = next(iter(error.valid_methods))
        arguments: dict[str, Any] = cast(Any, self.url_adapter).match(method=method)[1]
        return arguments
