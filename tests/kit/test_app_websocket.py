"""A WebSocket of the application object: what it holds, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any, cast

import pytest
from quart import abort, session, websocket
from quart.signals import request_tearing_down, websocket_tearing_down
from quart.testing.connections import WebsocketResponseError

from quarterdeck.app import Quart
from quarterdeck.app import websocket as module
from quarterdeck.testing import WebsocketDisconnectError

pytestmark = pytest.mark.feature("WS3")

LEFT = {"type": "websocket.disconnect", "code": 1000}
SCOPE: dict[str, Any] = {
    "type": "websocket",
    "asgi": {"spec_version": "2.3", "version": "3.0"},
    "scheme": "ws",
    "http_version": "1.1",
    "path": "/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "client": ("192.0.2.1", 1),
    "extensions": {"websocket.http.response": {}},
}


class Server:
    """The server's side of one WebSocket: it counts what the app has asked for."""

    def __init__(self, app: Quart, *, address: str = "192.0.2.1") -> None:
        self.app = app
        self.scope = {**SCOPE, "client": (address, 1)}
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.sent: list[Any] = []
        self.answered = asyncio.Event()
        self.heard = asyncio.Event()  # that the client has left
        self.pulled = 0

    async def receive(self) -> Any:
        message = await self.messages.get()
        self.pulled += 1
        if message is LEFT:
            self.heard.set()
        return message

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self.answered.set()

    def text(self, data: str, times: int = 1) -> None:
        for _ in range(times):
            self.messages.put_nowait({"type": "websocket.receive", "bytes": None, "text": data})

    def leave(self) -> None:
        self.messages.put_nowait(LEFT)

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(cast(Any, self.app)(self.scope, self.receive, self.send))

    def codes(self) -> list[int]:
        return [message["code"] for message in self.sent if message["type"] == "websocket.close"]


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)
    app.secret_key = "x"
    app.events = []  # type: ignore[attr-defined]
    return app


def events(app: Quart) -> list[Any]:
    return app.events  # type: ignore[attr-defined, no-any-return]


def handles(app: Quart, handler: Any) -> None:
    app.add_websocket("/", "handler", handler)


# --- what comes in --------------------------------------------------------------------


@pytest.mark.hazard("an empty binary message arrives as None")
async def test_empty_messages_arrive_as_what_they_are(app: Quart) -> None:
    async def handler() -> None:
        events(app).extend([await websocket.receive(), await websocket.receive()])

    handles(app, handler)
    server = Server(app)
    server.messages.put_nowait({"type": "websocket.receive", "bytes": b"", "text": None})
    server.messages.put_nowait({"type": "websocket.receive", "bytes": None, "text": ""})
    await server.start()

    assert events(app) == [b"", ""]


@pytest.mark.hazard("the client's clean close cancels the handler with messages queued")
async def test_messages_sent_before_the_close_are_all_handled(app: Quart) -> None:
    async def handler() -> None:
        try:
            while True:
                message = await websocket.receive()
                await asyncio.sleep(0)  # the work of a message, the last one's too
                events(app).append(message)
        except asyncio.CancelledError:
            events(app).append("end")
            raise

    handles(app, handler)
    server = Server(app)
    for number in range(90):
        server.text(str(number))
    server.leave()
    await server.start()

    assert events(app) == [*map(str, range(90)), "end"]


async def test_a_client_that_leaves_ends_a_handler_that_only_sends(app: Quart) -> None:
    async def handler() -> None:
        await websocket.send("tick")
        await asyncio.Event().wait()

    handles(app, handler)
    server = Server(app)
    running = server.start()
    await server.answered.wait()
    server.leave()

    await asyncio.wait_for(running, 30)


async def test_a_handler_has_limited_time_once_the_client_has_left(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler() -> None:
        await websocket.receive()
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "FINISH_SECONDS", 0.05)
    handles(app, handler)
    server = Server(app)
    server.text("x")
    server.leave()

    await asyncio.wait_for(server.start(), 5)


@pytest.mark.hazard("the inbound queue is unbounded")
@pytest.mark.parametrize(("size", "most"), [(10, 101), (100_000, 22)], ids=["count", "bytes"])
async def test_a_handler_that_does_not_receive_holds_the_client_back(
    app: Quart, size: int, most: int
) -> None:
    """And is ended with 1008: a full queue must not hide that the client is gone."""
    app.config["WEBSOCKET_QUEUE_SECONDS"] = 0.2

    async def handler() -> None:
        try:
            await websocket.accept()
            await asyncio.Event().wait()
        finally:
            events(app).append("end")

    handles(app, handler)
    server = Server(app)
    server.text("x" * size, times=1000)
    await asyncio.wait_for(server.start(), 5)

    assert server.pulled <= most
    assert server.codes() == [1008]
    assert events(app) == ["end"]


async def test_a_slow_handler_gets_everything(app: Quart) -> None:
    """Holding back is no loss: the time begins anew with every message taken."""
    app.config["WEBSOCKET_QUEUE_SECONDS"] = 0.5
    app.config["WEBSOCKET_QUEUE_MESSAGES"] = 2

    async def handler() -> None:
        while True:
            events(app).append(await websocket.receive())
            await asyncio.sleep(0.01)

    handles(app, handler)
    server = Server(app)
    server.text("x", times=100)
    server.leave()
    await server.start()

    assert len(events(app)) == 100
    assert server.codes() == []


# --- how it ends ----------------------------------------------------------------------


@pytest.mark.hazard("a handler error closes with 1000")
@pytest.mark.parametrize(
    ("deed", "code"),
    [("return", 1000), ("answer", 1000), ("raise", 1011), ("abort", 1008)],
)
async def test_the_close_code_says_how_the_handler_ended(app: Quart, deed: str, code: int) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    async def handler() -> Any:
        await websocket.accept()
        if deed == "raise":
            raise LookupError("wanted")
        if deed == "abort":
            abort(404)
        return "bye" if deed == "answer" else None

    handles(app, handler)
    server = Server(app)
    await server.start()

    assert server.codes() == [code]


async def test_an_error_that_propagates_closes_with_1011_first(app: Quart) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = True

    async def handler() -> None:
        await websocket.accept()
        raise LookupError("wanted")

    handles(app, handler)
    server = Server(app)
    with pytest.raises(LookupError):
        await server.start()

    assert server.codes() == [1011]


@pytest.mark.feature("H2")
@pytest.mark.parametrize(
    ("leaves", "expected"),
    [(True, "before handler teardown"), (False, "before handler after teardown")],
    ids=["left by the client", "ended by the handler"],
)
async def test_hooks_run_in_order(app: Quart, leaves: bool, expected: str) -> None:
    @app.before_websocket
    async def before() -> None:
        events(app).append("before")

    @app.after_websocket
    async def after(response: Any) -> Any:
        events(app).append("after")
        return response

    @app.teardown_websocket
    async def teardown(_: BaseException | None) -> None:
        events(app).append("teardown")

    async def handler() -> None:
        events(app).append("handler")
        await websocket.accept()
        if leaves:
            await websocket.receive()

    handles(app, handler)
    server = Server(app)
    running = server.start()
    await server.answered.wait()
    server.leave()
    await running

    assert " ".join(events(app)) == expected


async def test_the_end_sends_the_signal_of_websockets_and_not_that_of_requests(app: Quart) -> None:
    async def note_websocket(_app: object, **values: object) -> None:
        events(app).append(("websocket", values["exc"]))

    async def note_request(_app: object, **_: object) -> None:
        events(app).append("request")

    async def handler() -> None:
        await websocket.accept()

    handles(app, handler)
    with (
        websocket_tearing_down.connected_to(note_websocket, app),
        request_tearing_down.connected_to(note_request, app),
    ):
        await Server(app).start()

    assert events(app) == [("websocket", None)]


async def test_closing_after_the_client_has_left_is_harmless(app: Quart) -> None:
    left = asyncio.Event()

    async def handler() -> None:
        await websocket.receive()
        await left.wait()
        await websocket.close(4000)
        events(app).append("closed")

    handles(app, handler)
    server = Server(app)
    running = server.start()
    server.text("x")
    server.leave()
    await server.heard.wait()
    left.set()
    await running

    assert events(app) == ["closed"]


@pytest.mark.parametrize("value", [None, 5, {"a": 1}])
async def test_what_is_no_message_is_not_sent(app: Quart, value: Any) -> None:
    async def handler() -> None:
        with pytest.raises(TypeError, match="Send text or bytes"):
            await websocket.send(value)
        await websocket.send("told")

    handles(app, handler)
    async with app.test_client().websocket("/") as connection:
        assert await connection.receive() == "told"


@pytest.mark.hazard("a session changed inside a WebSocket crashes")
async def test_a_session_changed_inside_is_no_crash(app: Quart) -> None:
    async def handler() -> None:
        await websocket.accept()
        session["a"] = 1

    handles(app, handler)
    server = Server(app)
    await server.start()

    assert server.codes() == [1000]


# --- how many there may be ------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "per_address", "address", "status"),
    [(2, 9, "192.0.2.9", 503), (9, 2, "192.0.2.1", 429)],
    ids=["in total", "per address"],
)
async def test_too_many_are_refused_at_the_handshake(
    app: Quart, total: int, per_address: int, address: str, status: int
) -> None:
    app.config["WEBSOCKET_MAX_CONNECTIONS"] = total
    app.config["WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS"] = per_address

    async def handler() -> None:
        await websocket.send("welcome")
        await websocket.receive()

    handles(app, handler)
    servers = [Server(app) for _ in range(2)]
    running = [server.start() for server in servers]
    await asyncio.gather(*(server.answered.wait() for server in servers))
    late = Server(app, address=address)
    await late.start()

    assert late.sent[0]["status"] == status
    assert (b"retry-after", b"10") in late.sent[0]["headers"]

    for server in servers:
        server.leave()
    await asyncio.gather(*running)
    again = Server(app, address=address)
    again.leave()
    await again.start()
    assert again.sent == [] or again.sent[0]["type"] == "websocket.accept"


async def test_nothing_is_kept_of_those_that_are_gone(app: Quart) -> None:
    async def handler() -> None:
        await websocket.receive()

    handles(app, handler)
    for number in range(50):
        server = Server(app, address=f"192.0.2.{number}")
        server.leave()
        await server.start()

    assert app.open_websockets.total == 0
    assert not app.open_websockets.by_client
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is module.WebsocketConnection]


# --- refusals -------------------------------------------------------------------------


async def test_a_refusal_is_an_answer_with_its_text(app: Quart) -> None:
    @app.before_websocket
    async def refuse() -> Any:
        return "not today", 418

    handles(app, lambda: None)
    with pytest.raises(WebsocketResponseError) as refused:
        async with app.test_client().websocket("/") as connection:
            await connection.receive()

    assert refused.value.response.status_code == 418
    assert await refused.value.response.get_data(as_text=True) == "not today"


async def test_the_handler_may_close_with_a_code_of_its_own(app: Quart) -> None:
    async def handler() -> None:
        await websocket.accept()
        await websocket.close(4403, "not yours")

    handles(app, handler)
    with contextlib.suppress(WebsocketResponseError):
        async with app.test_client().websocket("/") as connection:
            with pytest.raises(WebsocketDisconnectError) as closed:
                await connection.receive()

    assert closed.value.args == (4403,)
