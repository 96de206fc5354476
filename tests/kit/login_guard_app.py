"""An app with a sign-in, and users with roles, for the tests of closed views."""

from __future__ import annotations

from typing import Any

from quart.typing import TestClientProtocol as Client

from quarterdeck.login import (
    LoginManager,
    UserMixin,
    public,
)
from tests.plain import Quart

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class User(UserMixin):
    """Has the role of the same name, and may read."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id

    def has_role(self, role: str) -> bool:
        return role == self.id

    def has_permission(self, permission: str) -> bool:
        return permission == "read" or self.id == "admin"


def make_app(**options: Any) -> Quart:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", PROPAGATE_EXCEPTIONS=True)
    LoginManager(app, login_view="login", **options).user_loader(User)

    @app.get("/login")
    @public
    async def login() -> str:
        return "sign in"

    return app


async def sign_in(app: Quart, user_id: str) -> Client:
    client = app.test_client()
    async with client.session_transaction() as stored:
        stored["_user_id"] = user_id
        stored["_auth_version"] = None
    return client


def make_view() -> Any:
    """A new view each time: a mark stays on the function it was put on."""

    async def view() -> str:
        return "ok"

    return view


async def status(app: Quart, path: str, user_id: str | None = None, **kwargs: Any) -> int:
    """Ask as a program does, which is not led to the sign-in page."""
    client = app.test_client() if user_id is None else await sign_in(app, user_id)
    kwargs.setdefault("headers", {"Accept": "application/json"})
    return (await client.open(path, **kwargs)).status_code
