"""The first app of a reader: copied from a page, in an empty folder, without preparations."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy.exc import OperationalError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from quarterdeck.app import Quart as OurQuart
from quarterdeck.sqlalchemy import SQLAlchemy
from tests.kit.served_app import served

ROOT = Path(__file__).parents[2]


@pytest.mark.feature("D1")
def test_the_sample_of_the_readme_is_served_as_it_stands(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    code = readme.rpartition("```python\n")[2].partition("```")[0]
    assert "sqlite:///ships.sqlite3" in code
    with served(tmp_path, code) as app:
        response = app.get()
    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.feature("D1")
@pytest.mark.sqlite_only
async def test_the_instance_folder_is_made_and_no_other(tmp_path: Path) -> None:
    for uri, works in (("app.db", True), (f"/{tmp_path}/missing/app.db", False)):
        app = Quart(__name__, instance_path=str(tmp_path / "instance"))
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{uri}"
        db = SQLAlchemy(app)
        async with app.app_context():
            if works:
                async with db.engine.connect() as connection:
                    await connection.exec_driver_sql("SELECT 1")
            else:
                with pytest.raises(OperationalError, match="unable to open database file"):
                    await db.engine.connect()
            await db.dispose()
    assert not await asyncio.to_thread((tmp_path / "missing").exists)


async def test_a_view_that_returns_a_model_gets_a_hint(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    class Ship:
        def to_dict(self) -> dict[str, str]:
            return {}

    app = OurQuart(__name__)
    view: Any = Ship
    app.add_url_rule("/", "index", view)
    assert (await app.test_client().get("/")).status_code == 500
    assert "The view returned a 'Ship'. Return 'value.to_dict()', or its fields" in caplog.text


DEBUGGED = """
from quart import Quart, websocket

app = Quart(__name__)
app.debug = True


@app.get("/")
async def index():
    raise LookupError("lost in a page")


@app.websocket("/ws")
async def ws():
    await websocket.accept()
    raise LookupError("lost in a socket")
"""


@pytest.mark.parametrize("app_class", ["quart", "quarterdeck.app"])
def test_errors_reach_the_terminal_with_debug(tmp_path: Path, app_class: str) -> None:
    code = DEBUGGED.replace(
        "from quart import Quart, websocket",
        f"from {app_class} import Quart\nfrom quart import websocket",
    )
    with served(tmp_path, code) as app:
        assert app.get().status_code == 500
        with (
            connect(app.url.replace("http", "ws") + "/ws", proxy=None) as socket,
            pytest.raises(ConnectionClosed),
        ):
            socket.recv(timeout=10)
        app.wait_for("lost in a page")
        app.wait_for("lost in a socket")


RUN = """
import os

from quarterdeck.app import Quart

app = Quart(__name__)


@app.get("/")
async def index():
    return {"ship": os.environ.get("SHIP"), "debug": app.debug}


app.run(port=int(os.environ["PORT"]), use_reloader=False)
"""


def test_run_reads_the_environment_file(tmp_path: Path, unused_tcp_port: int) -> None:
    (tmp_path / ".env").write_text("SHIP=Endeavour\nQUART_DEBUG=1\n")
    command = (sys.executable, "app.py")
    with served(tmp_path, RUN, command, PORT=str(unused_tcp_port), PYTHONWARNINGS="") as app:
        app.wait_for("CTRL")
        assert app.get().json() == {"ship": "Endeavour", "debug": True}
