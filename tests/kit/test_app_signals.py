"""The built-in signals, and signals of an app: plain and async receivers get each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from blinker import Namespace
from quart import flash, render_template_string, signals, websocket
from quart.testing import WebsocketResponseError

from quarterdeck.app import Quart

pytestmark = pytest.mark.feature("X3")

OF_FLASK = [
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "got_request_exception",
    "message_flashed",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "template_rendered",
]
OF_WEBSOCKETS = [
    "got_websocket_exception",
    "websocket_finished",
    "websocket_received",
    "websocket_sent",
    "websocket_started",
    "websocket_tearing_down",
]


class Receivers:
    """A plain and an async receiver of each signal, which write down what they get."""

    def __init__(self, names: list[str]) -> None:
        self.plain: list[str] = []
        self.awaited: list[str] = []
        self.values: dict[str, dict[str, Any]] = {}
        self._kept: list[Any] = []  # a signal holds its receivers weakly
        for name in names:
            self._connect(name)

    def _connect(self, name: str) -> None:
        def plain(_: Any, **values: Any) -> None:
            self.plain.append(name)
            self.values[name] = values

        async def awaited(_: Any, **__: Any) -> None:
            self.awaited.append(name)

        for receiver in (plain, awaited):
            getattr(signals, name).connect(receiver)
            self._kept.append((name, receiver))

    def disconnect(self) -> None:
        for name, receiver in self._kept:
            getattr(signals, name).disconnect(receiver)


@pytest.fixture
def received() -> Iterator[Receivers]:
    receivers = Receivers(OF_FLASK + OF_WEBSOCKETS)
    yield receivers
    receivers.disconnect()


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)
    app.secret_key = "only for tests"

    @app.get("/")
    async def index() -> str:
        await flash("Anchored")
        return await render_template_string("fine")

    @app.get("/plain")
    def plain() -> str:
        return "plain"

    @app.get("/error")
    async def error() -> str:
        raise KeyError("lost")

    @app.websocket("/echo")
    async def echo() -> None:
        await websocket.send(await websocket.receive())

    @app.websocket("/error")
    async def wrong() -> None:
        raise KeyError("lost")

    @app.cli.command()
    async def sail() -> None:
        print("sailing")  # noqa: T201 - the output of a command

    return app


async def test_a_request_sends_them_to_both_kinds_of_receivers(
    app: Quart, received: Receivers
) -> None:
    await app.test_client().get("/")

    assert sorted(received.plain) == sorted(received.awaited)
    assert received.plain == [
        "appcontext_pushed",
        "request_started",
        "message_flashed",
        "before_render_template",
        "template_rendered",
        "request_finished",
        "request_tearing_down",
        "appcontext_tearing_down",
        "appcontext_popped",
    ]
    assert received.values["message_flashed"]["message"] == "Anchored"
    assert received.values["request_finished"]["response"].status_code == 200


async def test_an_error_is_sent(app: Quart, received: Receivers) -> None:
    await app.test_client().get("/error")

    assert "got_request_exception" in received.plain
    assert "got_request_exception" in received.awaited
    assert isinstance(received.values["got_request_exception"]["exception"], KeyError)
    assert isinstance(received.values["request_tearing_down"]["exc"], KeyError)


async def test_a_websocket_sends_its_own(app: Quart, received: Receivers) -> None:
    async with app.test_client().websocket("/echo") as connection:
        await connection.send("ahoy")
        assert await connection.receive() == "ahoy"

    # The message may arrive before the handler starts.
    assert {name for name in received.plain if "websocket" in name} == {
        "websocket_started",
        "websocket_received",
        "websocket_sent",
        "websocket_finished",
        "websocket_tearing_down",
    }
    assert sorted(received.plain) == sorted(received.awaited)


async def test_an_error_in_a_websocket_is_sent(app: Quart, received: Receivers) -> None:
    with pytest.raises(WebsocketResponseError):
        async with app.test_client().websocket("/error") as connection:
            await connection.receive()

    assert "got_websocket_exception" in received.plain
    assert "got_websocket_exception" in received.awaited
    assert isinstance(received.values["websocket_tearing_down"]["exc"], KeyError)


def test_a_command_sends_those_of_its_app_context(app: Quart, received: Receivers) -> None:
    result = app.test_cli_runner().invoke(args=["sail"])

    assert result.output == "sailing\n"
    assert received.plain == ["appcontext_pushed", "appcontext_tearing_down", "appcontext_popped"]
    assert received.awaited == received.plain


async def test_a_signal_of_an_app(app: Quart) -> None:
    docked = Namespace().signal("docked")
    got: list[Any] = []

    @docked.connect_via(app)
    def note(sender: Any, ship: str) -> None:
        got.append(("plain", sender, ship))

    @docked.connect_via(app)
    async def store(sender: Any, ship: str) -> None:
        got.append(("awaited", sender, ship))

    @app.get("/dock/<ship>")
    async def dock(ship: str) -> str:
        await docked.send_async(app, _sync_wrapper=app.ensure_async, ship=ship)
        return "docked"

    await app.test_client().get("/dock/Endeavour")

    assert sorted(got, key=str) == [
        ("awaited", app, "Endeavour"),
        ("plain", app, "Endeavour"),
    ]
