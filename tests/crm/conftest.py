"""The ladder of the CRM's tests: app -> client -> auth (somebody signed in)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol

from quarterdeck.login import hash_password, session_data
from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, User
from tests.compiled import share_compiled
from tests.databases import Emptied

from .explained import Explained
from .trading import Trade

PASSWORD = "correct horse battery"
LIGHT = "/auth/password"  # a page that costs little
_TOKEN = re.compile(r'name="csrf_token"[^>]*? value="([^"]+)"')

_hashes: dict[tuple[Any, Any], str] = {}

MakeUser = Callable[..., Awaitable[User]]


class Auth:
    """A browser of one user: signs in and out, and posts forms as their pages would."""

    def __init__(self, client: TestClientProtocol) -> None:
        self.client = client
        self._token = ""  # of the browser session

    async def sign_in(self, user: User) -> None:
        """Have the browser session of a signed-in user, without the pages of the sign-in."""
        async with self.client.app.app_context(), self.client.session_transaction() as session:
            session.update(session_data(user))
        self._token = ""

    async def login(self, who: User | str, password: str = PASSWORD, **more: Any) -> Response:
        """Post the sign-in form."""
        email = who if isinstance(who, str) else who.email
        return await self.post(
            "/auth/login", page="/auth/login", email=email, password=password, **more
        )

    async def logout(self) -> Response:
        """Press the sign-out button."""
        return await self.post("/auth/logout")

    async def get(self, path: str, **options: Any) -> Response:
        """Open a page."""
        return await self.client.get(path, **options)

    async def post(self, path: str, *, page: str = LIGHT, **form: Any) -> Response:
        """Post form fields together with the CSRF token found on ``page``."""
        if page != LIGHT:
            self._token = await self.token(page)
        elif not self._token:
            self._token = await self.token()
        form["csrf_token"] = self._token
        response = await self.client.post(path, form=form)
        if path.startswith("/auth/"):
            self._token = ""  # it may have ended with the browser session
        return response

    async def token(self, page: str = LIGHT) -> str:
        """Return the CSRF token that a page holds."""
        found = _TOKEN.search(await (await self.client.get(page)).get_data(as_text=True))
        assert found, f"{page} has no CSRF field"
        return found.group(1)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emptied]:
    """All tables without rows, made once."""
    tables = Emptied(db.Model.metadata, tmp_path_factory.mktemp("database"), "crm.sqlite3")
    yield tables
    tables.close()


@pytest.fixture(scope="session")
def _plans() -> Iterator[Explained]:
    plans = Explained(db.Model.metadata)
    yield plans
    plans.close()


@pytest.fixture(autouse=True)
def _explained(_plans: Explained) -> Iterator[None]:
    """Fail a test that runs a statement whose cost grows with all rows of a table."""
    with _plans.collected() as statements:
        yield
    wasteful = _plans.wasteful(statements)
    assert not wasteful, "\n".join(wasteful)


@pytest.fixture
def settings() -> dict[str, Any]:
    """Configuration keys for the app; parametrize or override this for others."""
    return {}


@pytest.fixture(name="app")
async def _app(_built: Quart) -> AsyncIterator[Quart]:
    async with _built.test_app():
        yield _built


@pytest.fixture
def _built(tmp_path: Path, tables: Emptied, settings: dict[str, Any]) -> Quart:
    """An app, made outside the event loop as servers do."""
    database = {"DATABASE_URL": tables.uri_for(tmp_path)}
    app = create_app("testing", INSTANCE=str(tmp_path), **database | settings)
    share_compiled(app)
    return app


@pytest.fixture
def client(app: Quart) -> TestClientProtocol:
    """A browser in which nobody has signed in."""
    return app.test_client()


@pytest.fixture
def make_user(app: Quart) -> MakeUser:
    """Add users to the team; all have the password ``PASSWORD``."""

    async def make(role: Role = Role.USER, email: str | None = None, **columns: Any) -> User:
        async with app.app_context(), db.transaction() as session:
            values = {"email": email or f"{role.lower()}@example.com", "name": role.value}
            hashed = await _hashed(app)
            user = User(**(values | {"role": role, "password_hash": hashed} | columns))
            session.add(user)
        return user

    return make


async def _hashed(app: Quart) -> str:
    """Return a hash of ``PASSWORD``, computed once for all tests with the same costs."""
    costs = app.config.get("LOGIN_HASH_TIME_COST"), app.config.get("LOGIN_HASH_MEMORY_COST")
    if costs not in _hashes:
        _hashes[costs] = await hash_password(PASSWORD)
    return _hashes[costs]


@pytest.fixture
async def admin(make_user: MakeUser) -> User:
    return await make_user(Role.ADMIN)


@pytest.fixture
async def moderator(make_user: MakeUser) -> User:
    return await make_user(Role.MODERATOR)


@pytest.fixture
async def user(make_user: MakeUser) -> User:
    return await make_user(Role.USER)


@pytest.fixture
def browser(app: Quart) -> Callable[[], Auth]:
    """Make further browsers, each with cookies of its own."""
    return lambda: Auth(app.test_client())


@pytest.fixture
async def as_admin(browser: Callable[[], Auth], admin: User) -> Auth:
    """A browser in which an administrator has signed in."""
    return await _signed_in(browser(), admin)


@pytest.fixture
async def as_moderator(browser: Callable[[], Auth], moderator: User) -> Auth:
    """A browser in which a moderator has signed in."""
    return await _signed_in(browser(), moderator)


@pytest.fixture
async def auth(browser: Callable[[], Auth], user: User) -> Auth:
    """A browser in which somebody with the role User has signed in."""
    return await _signed_in(browser(), user)


@pytest.fixture
def trade(app: Quart) -> Trade:
    """Make accounts, goods and orders."""
    return Trade(app)


async def _signed_in(auth: Auth, user: User) -> Auth:
    await auth.sign_in(user)
    return auth
