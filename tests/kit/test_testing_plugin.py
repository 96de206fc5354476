"""The pytest plugin: its fixtures in a project of its own, and no trace of it in another one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.feature("AP5")

INI = """
[pytest]
quart_app = shop:create_app
asyncio_mode = strict
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""

SHOP = """
from quart import websocket
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck.app import Quart
from quarterdeck.login import LoginManager, UserMixin, current_user, login_required
from quarterdeck.mail import Mail, Message
from quarterdeck.sqlalchemy import SQLAlchemy

db = SQLAlchemy()
mail = Mail(db=db)


class Good(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Clerk(UserMixin):
    def __init__(self, id):
        self.id = id


def create_app(config=None):
    app = Quart(__name__)
    app.config.update(SECRET_KEY="k", SQLALCHEMY_DATABASE_URI="sqlite:///wrong/folder.db")
    app.config.update(config or {})
    app.started = 0
    db.init_app(app)
    mail.init_app(app)
    manager = LoginManager(app)
    manager.user_loader(load)

    @app.before_serving
    async def start():
        app.started += 1

    @app.post("/goods/<name>")
    @login_required
    async def add(name):
        async with db.transaction() as session:
            session.add(Good(name=name))
            await mail.enqueue(Message(name, ["boss@example.com"], "New.", sender="a@example.com"))
        return current_user.get_id()

    @app.get("/")
    async def count():
        return str(await Good.query.count())

    @app.post("/stock")
    async def stock():
        async def later():
            async with db.transaction() as session:
                session.add(Good(name="rope"))

        app.add_background_task(later)
        return "", 202

    @app.websocket("/ws/private")
    @login_required
    async def private(): ...

    @app.websocket("/ws")
    async def echo():
        while True:
            await websocket.send((await websocket.receive()).upper())

    return app


async def load(user_id):
    return Clerk(user_id)
"""

CONFTEST = """
import pytest

from shop import Clerk


@pytest.fixture
def app_config(tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "shop.sqlite3"
    return {"TESTING": True, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{file}"}


@pytest.fixture
def user():
    return Clerk("ada")
"""

TESTS = """
import asyncio

import httpx
import pytest
from websockets.asyncio.client import connect

from quarterdeck.testing import WebsocketDisconnectError, recorded_statements
from shop import Clerk, Good, db


@pytest.mark.asyncio
@pytest.mark.parametrize("time", [1, 2])
async def test_nothing_stays(time, app, signed_in, client, database, outbox, served):
    assert (await client.post("/goods/tea")).status_code == 401
    response = await signed_in.post("/goods/tea")
    assert (response.status_code, await response.get_data()) == (200, b"ada")
    assert [message.subject for message in outbox] == ["tea"]
    assert database is db
    async with app.app_context():
        assert await Good.query.count() == 1
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(served.url)).text == "1"
    assert app.started == 1
    await client.sign_in(Clerk("grace"))
    assert await (await client.post("/goods/salt")).get_data() == b"grace"
    assert len(outbox) == 2


@pytest.mark.asyncio
async def test_the_page_about_testing(app, client, database):
    # The pieces that docs/testing.md shows.
    await client.post("/stock")
    await asyncio.gather(*app.background_tasks)
    with recorded_statements(database, app) as statements:
        assert await (await client.get("/")).get_data() == b"1"
    assert len(statements) == 1
    async with client.websocket("/ws") as connection:
        await connection.send("ahoy")
        assert await connection.receive() == "AHOY"
    async with client.websocket("/ws/private") as connection:
        with pytest.raises(WebsocketDisconnectError) as closed:
            await connection.receive()
    assert closed.value.args == (4401,)


@pytest.mark.asyncio
async def test_a_websocket(served):
    async with connect(served.websocket_url + "/ws") as connection:
        await connection.send("ahoy")
        assert await connection.recv() == "AHOY"
"""

FAULTY = """
import shop

def test_no_user(signed_in): ...

def test_the_app(app):
    assert app.testing
    assert app is shop.ready
"""


def run(project: Path, *arguments: str, code: int = 0) -> str:
    """Run pytest in the folder of a project, as its developer does."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def test_the_fixtures_of_a_project(project: Path) -> None:
    (project / "conftest.py").write_text(CONFTEST)
    (project / "test_shop.py").write_text(TESTS)

    assert "4 passed" in run(project)


def test_mistakes_are_named(project: Path) -> None:
    (project / "test_user.py").write_text(FAULTY)
    source = SHOP.replace("config=None", "").replace("config or {}", "{}")
    (project / "shop.py").write_text(source + "\nready = create_app()\n")

    printed = run(project, code=1)
    assert printed.count("'shop:create_app' takes no configuration. Write it as") >= 2

    printed = run(project, "-o", "quart_app=shop:ready", code=1)
    assert "Define a fixture 'user' in conftest.py" in printed
    assert "1 passed, 1 error" in printed, printed


OTHER = """
import sys
import pytest

def test_other(request):
    assert sys.modules.keys().isdisjoint({"quart", "flask", "quarterdeck.testing"})
    for name in ("app", "client", "user", "database", "served", "outbox", "lifespan"):
        with pytest.raises(pytest.FixtureLookupError):
            request.getfixturevalue(name)
"""


def test_a_project_that_does_not_ask_sees_nothing(project: Path) -> None:
    (project / "pytest.ini").write_text(INI.replace("quart_app", "# quart_app"))
    (project / "test_other.py").write_text(OTHER)

    assert "1 passed" in run(project, "-p", "no:schemathesis")
