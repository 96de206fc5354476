"""Fixtures for the tests of an app.

The pytest plugin of the kit adds them where the ini key ``quart_app`` names the app; see
``docs/testing.md``. A fixture of the same name in your ``conftest.py`` replaces one of these, and
those that use it get yours.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from quart import Quart

from .database import isolated_database
from .login import LoginClient
from .server import ServedApp, served_app

if TYPE_CHECKING:
    from quarterdeck.mail import Message
    from quarterdeck.sqlalchemy import SQLAlchemy


@pytest.fixture
def app_config() -> Mapping[str, Any]:
    """The configuration of the app under test; replace it to add keys."""
    return {"TESTING": True}


@pytest.fixture
def app(request: pytest.FixtureRequest, app_config: Mapping[str, Any]) -> Quart:
    """The app that the ini key ``quart_app`` names.

    A factory is called with ``app_config``, once per test. An app that its module has made is
    updated with ``app_config`` and shared by all tests.
    """
    from quarterdeck.serving.supervisor.plan import resolve

    target = request.config.getini("quart_app")
    found = resolve(target.removesuffix("()"))
    if isinstance(found, Quart):
        found.config.update(app_config)
        return found
    try:
        inspect.signature(found).bind(app_config)
    except TypeError:
        raise pytest.UsageError(
            f"'{target}' takes no configuration. Write it as 'def {found.__name__}(config=None)', "
            "or define a fixture 'app' in conftest.py."
        ) from None
    made = found(app_config)
    if not isinstance(made, Quart):
        raise pytest.UsageError(f"'{target}' returned {made!r}. Return the app, without 'async'.")
    return made


@pytest_asyncio.fixture
async def lifespan(app: Quart) -> AsyncIterator[None]:
    """Run the app's ``before_serving`` functions before the test, ``after_serving`` after it."""
    async with app.test_app():
        yield


@pytest.fixture
def client(app: Quart, lifespan: None) -> Any:
    """A test client of the running app; ``await client.sign_in(user)`` signs a user in."""
    return _client_class(app)(app)


@pytest.fixture
def user() -> Any:
    """The user of ``signed_in``. Every project defines its own."""
    raise pytest.UsageError(
        "'signed_in' needs a user. Define a fixture 'user' in conftest.py that returns one."
    )


@pytest.fixture
def signed_in(app: Quart, lifespan: None, user: Any) -> Any:
    """A test client of the running app that is signed in as ``user``."""
    return _client_class(app)(app, user=user)


@pytest_asyncio.fixture
async def served(app: Quart, lifespan: None) -> AsyncIterator[ServedApp]:
    """The running app on the real server, for a browser or a client of another program."""
    async with served_app(app, lifespan=False) as server:
        yield server


@pytest.fixture
def outbox() -> Iterator[list[Message]]:
    """The messages that the test has sent, or enqueued and committed, so far."""
    from quarterdeck.mail import Mail

    with Mail().record_messages() as messages:
        yield messages


@pytest_asyncio.fixture
async def tables(app: Quart) -> None:
    """Create the missing tables. Replace it to run migrations instead."""
    async with app.app_context():
        await _database_of(app).create_all()


@pytest_asyncio.fixture
async def database(app: Quart, tables: None, lifespan: None) -> AsyncIterator[SQLAlchemy]:
    """The database extension of the app. Everything that the test writes is rolled back."""
    db = _database_of(app)
    async with isolated_database(db, app):
        yield db


def _client_class(app: Quart) -> type[LoginClient]:
    own: Any = app.test_client_class
    return own if issubclass(own, LoginClient) else LoginClient


def _database_of(app: Quart) -> Any:
    try:
        return app.extensions["sqlalchemy"]
    except KeyError:
        raise pytest.UsageError(
            f"'{app.name}' has no database. Call 'db.init_app(app)' with a SQLAlchemy of "
            "quarterdeck.sqlalchemy."
        ) from None
