"""A test client that is signed in, without a visit to the sign-in page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from quarterdeck.app.testing import TestClient


class LoginClient(TestClient):
    """A client for the tests of an app with a ``LoginManager``::

        app.test_client_class = LoginClient
        client = app.test_client(user=ada)

    Args:
        user: The user to sign in before the first request.
        fresh_login: Whether the sign-in is good for ``fresh_login_required``.
    """

    __test__ = False  # pytest must not collect it

    def __init__(
        self, app: Any, use_cookies: bool = True, *, user: Any = None, fresh_login: bool = True
    ) -> None:
        super().__init__(app, use_cookies)
        self._user = user
        self._fresh_login = fresh_login

    async def sign_in(self, user: Any, *, fresh: bool = True) -> None:
        """Sign a user in, and sign out the previous one."""
        from quarterdeck.login import session_data  # its packages are an extra

        self._user = None
        async with self.app.app_context(), self.session_transaction() as session:
            session.update(session_data(user, fresh=fresh))

    async def open(self, path: str = "/", base_url: str | None = None, **arguments: Any) -> Any:
        """Make a request, as the user."""
        await self._sign_in_first()
        return await super().open(path, base_url, **arguments)

    def websocket(self, path: str = "/", **arguments: Any) -> Any:
        """Return a WebSocket of the user, to be used with ``async with``."""
        return self._websocket(path, arguments)

    @asynccontextmanager
    async def _websocket(self, path: str, arguments: dict[str, Any]) -> AsyncIterator[Any]:
        await self._sign_in_first()
        async with super().websocket(path, **arguments) as connection:
            yield connection

    async def _sign_in_first(self) -> None:
        if self._user is not None:
            await self.sign_in(self._user, fresh=self._fresh_login)
