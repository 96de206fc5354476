"""Every room works alone, in a Quart application of about ten lines (docs/examples/alone)."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from quart import Quart

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "alone"
ROOMS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
ALLOWED = {"app": {"routing"}, "migrate": {"sqlalchemy"}}


def _load(room: str) -> Quart:
    spec = importlib.util.spec_from_file_location(f"alone_{room}", EXAMPLES / f"{room}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = module.app
    assert isinstance(app, Quart)
    return app


@pytest.mark.parametrize(
    ("room", "path", "expected"),
    [
        ("app", "/", "hoisted"),
        ("routing", "/berth/B4", "Berth B4"),
        ("sqlalchemy", "/", "Endeavour"),
        ("wtf", "/", 'name="csrf_token"'),
        ("login", "/", "signed in"),
        ("bootstrap", "/", '<h1 class="display-1">Ships</h1>'),
        ("security", "/", "sail()"),
        ("checks", "/", "'HARBOUR_PILOT' is not set. Name one."),
        ("health", "/", '"status":"ready"'),
        ("logging", "/", "Request "),
        ("metrics", "/", "quart_event_loop_lag_seconds_bucket"),
        ("apscheduler", "/", "take_sounding: "),
        ("otel", "/", "Traces go on with"),
        ("moment", "/", 'datetime="2026-11-21T09:00:00'),
        ("mail", "/", "Endeavour has docked."),
    ],
)
def test_a_room_alone_answers(room: str, path: str, expected: str) -> None:
    app = _load(room)

    async def ask() -> str:
        async with app.test_app() as running:
            response = await running.test_client().get(path)
            assert response.status_code == 200
            return await response.get_data(as_text=True)

    assert expected in asyncio.run(ask())


def test_the_login_room_keeps_strangers_out() -> None:
    app = _load("login")

    async def visit() -> tuple[int, int]:
        async with app.test_app() as running:
            client = running.test_client()
            stranger = (await client.get("/secret")).status_code
            await client.get("/")
            return stranger, (await client.get("/secret")).status_code

    assert asyncio.run(visit()) == (401, 200)


def test_the_sockets_room_tells_of_an_arrival() -> None:
    app = _load("sockets")

    async def visit() -> tuple[str, str]:
        async with app.test_app() as running:
            client = running.test_client()
            async with client.websocket("/ws") as connection:
                await connection.send_json({"type": "subscribe", "room": "harbour:oban"})
                while (await connection.receive_json())["type"] != "subscribed":
                    pass
                sent = await (await client.post("/arrive/oban")).get_data(as_text=True)
                while (heard := await connection.receive_json())["type"] != "event":
                    pass
            return sent, heard["id"]

    sent, heard = asyncio.run(visit())
    assert sent == heard


@pytest.mark.parametrize(
    ("room", "words", "expected"),
    [
        ("commands", ["greet"], "Hello from"),
        ("commands", ["routes"], "static"),
        ("migrate", ["db", "--help"], "upgrade"),
    ],
)
def test_commands_of_a_room_alone(
    room: str, words: list[str], expected: str, tmp_path: Path
) -> None:
    # Away from its neighbours: 'sqlalchemy.py' would pass for the library.
    shutil.copy(EXAMPLES / f"{room}.py", tmp_path / "app.py")
    command = [sys.executable, "-m", "quart", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_brings_no_other_room_along(room: str) -> None:
    """So that each needs only its own extra."""
    code = (
        f"import sys, quarterdeck.{room};"
        "print(*{m.split('.')[1] for m in sys.modules if m.startswith('quarterdeck.')})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    rooms = {name for name in done.stdout.split() if name in ROOMS}
    assert rooms - {room} == ALLOWED.get(room, set())
