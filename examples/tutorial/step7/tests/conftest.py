"""The fixtures of this app; the others are those of quarterdeck.testing."""

import os

import pytest

from noticeboard.models import User
from quarterdeck.migrate import upgrade


@pytest.fixture
def app_config(tmp_path):
    """SQLite in a folder of the test, or the server in TEST_DATABASE_URL."""
    uri = os.environ.get("TEST_DATABASE_URL", f"sqlite:///{tmp_path}/test.sqlite3")
    return {
        "TESTING": True,
        "SECRET_KEY": "only for tests",
        "SQLALCHEMY_DATABASE_URI": uri,
        "WTF_CSRF_ENABLED": False,
    }


@pytest.fixture
async def tables(app):
    """Make the tables as on a server: by the migrations."""
    async with app.app_context():
        await upgrade()


@pytest.fixture
async def user(app, database):
    """Ada, who is signed in as the fixture 'signed_in'."""
    async with app.app_context(), database.transaction() as session:
        session.add(ada := User(name="Ada", email="ada@example.com", password_hash=""))
    return ada
