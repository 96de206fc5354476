"""The order of hooks, on app and blueprint, for HTTP and WebSocket, in one table."""

from __future__ import annotations

from typing import Any

import pytest
import quart
from quart import after_this_request, websocket
from quart.testing.connections import WebsocketResponseError

from quarterdeck.app import Blueprint, Quart
from quarterdeck.testing import WebsocketDisconnectError

pytestmark = pytest.mark.feature("H2")

BEFORE = "before1 before2 before-bp1 before-bp2"
AFTER = "after-bp2 after-bp1 after2 after1"
TEARDOWN = "teardown-bp2 teardown-bp1 teardown2 teardown1 context2 context1"

#: What goes wrong or stops, and the events that follow, in order.
ORDERS = {
    "nothing": f"{BEFORE} view {AFTER} {TEARDOWN}",
    "before1 stops": f"before1 {AFTER} {TEARDOWN}",
    "before2 stops": f"before1 before2 {AFTER} {TEARDOWN}",
    "before-bp1 stops": f"before1 before2 before-bp1 {AFTER} {TEARDOWN}",
    "before1 fails": f"before1 handler {AFTER} {TEARDOWN}",
    "before-bp2 fails": f"{BEFORE} handler {AFTER} {TEARDOWN}",
    "view fails": f"{BEFORE} view handler {AFTER} {TEARDOWN}",
    "after2 fails": f"{BEFORE} view after-bp2 after-bp1 after2 handler after-bp2 after-bp1 after2"
    f" {TEARDOWN}",
    "teardown2 fails": f"{BEFORE} view {AFTER} {TEARDOWN}",
    "context2 fails": f"{BEFORE} view {AFTER} {TEARDOWN}",
}

STATUSES = {
    "before1 stops": 418,
    "before2 stops": 418,
    "before-bp1 stops": 418,
    "before1 fails": 503,
    "before-bp2 fails": 503,
    "view fails": 503,
    "after2 fails": 503,
}


class WantedError(Exception):
    pass


class Recorder:
    """An app whose hooks write down that they ran, and misbehave as the case says."""

    def __init__(self, case: str) -> None:
        self.events: list[str] = []
        self.errors: list[str] = []
        self.culprit, _, self.deed = case.partition(" ")
        self.app = Quart(__name__)
        self.bp = Blueprint("bp", __name__)
        for number in (1, 2):
            self._register(self.app, str(number))
            self._register(self.bp, f"-bp{number}")
            self.app.teardown_appcontext(self._teardown(f"context{number}"))
        self.app.register_error_handler(WantedError, self._handle)
        self.bp.add_url_rule("/", "view", self._view)
        self.bp.add_websocket("/ws", "ws", self._websocket)
        self.app.register_blueprint(self.bp)

    def _register(self, owner: Any, suffix: str) -> None:
        owner.before_request(self._before(f"before{suffix}"))
        owner.before_websocket(self._before(f"before{suffix}"))
        owner.after_request(self._after(f"after{suffix}"))
        owner.after_websocket(self._after(f"after{suffix}"))
        owner.teardown_request(self._teardown(f"teardown{suffix}"))
        owner.teardown_websocket(self._teardown(f"teardown{suffix}"))

    def note(self, name: str) -> bool:
        """Write the event down; return whether to stop here."""
        self.events.append(name)
        if name == self.culprit and self.deed == "fails":
            raise WantedError
        return name == self.culprit

    def _before(self, name: str) -> Any:
        async def before() -> Any:
            return ("stopped", 418) if self.note(name) else None

        return before

    def _after(self, name: str) -> Any:
        async def after(response: Any) -> Any:
            self.note(name)
            return response

        return after

    def _teardown(self, name: str) -> Any:
        async def teardown(error: BaseException | None) -> None:
            self.errors.append(type(error).__name__)
            self.note(name)

        return teardown

    async def _handle(self, error: WantedError) -> tuple[str, int]:
        self.events.append("handler")
        return "handled", 503

    async def _view(self) -> str:
        self.note("view")
        return "ok"

    async def _websocket(self) -> None:
        await websocket.accept()
        self.note("view")
        await websocket.send("ok")


@pytest.mark.parametrize("case", ORDERS)
async def test_order_of_hooks_for_http(case: str) -> None:
    recorder = Recorder(case)
    response = await recorder.app.test_client().get("/")
    assert response.status_code == STATUSES.get(case, 200)
    assert " ".join(recorder.events) == ORDERS[case]
    assert set(recorder.errors) == {"NoneType"}


WEBSOCKET_ORDERS = {
    **ORDERS,
    # A WebSocket has no answer to replace once it is accepted: what fails after ends it.
    "after2 fails": f"{BEFORE} view after-bp2 after-bp1 after2"
    f" after-bp2 after-bp1 after2 {TEARDOWN}",
}


@pytest.mark.parametrize("case", WEBSOCKET_ORDERS)
async def test_order_of_hooks_for_websockets(case: str) -> None:
    recorder = Recorder(case)
    try:
        async with recorder.app.test_client().websocket("/ws") as connection:
            await connection.receive()
    except WebsocketResponseError as refused:
        assert refused.response.status_code == STATUSES[case]  # noqa: PT017
    except WebsocketDisconnectError:
        assert case == "view fails"
    assert " ".join(recorder.events) == WEBSOCKET_ORDERS[case]


@pytest.mark.parametrize(("kind", "seen"), [(Quart, "WantedError"), (quart.Quart, "NoneType")])
async def test_teardown_sees_what_no_handler_took(kind: type[quart.Quart], seen: str) -> None:
    app = kind(__name__)
    errors = []

    async def fail() -> str:
        raise WantedError

    @app.teardown_request
    @app.teardown_appcontext
    async def teardown(error: BaseException | None) -> None:
        errors.append(type(error).__name__)

    app.add_url_rule("/", "view", fail)
    assert (await app.test_client().get("/")).status_code == 500
    assert errors == [seen, seen]


async def test_after_this_request_runs_before_the_others() -> None:
    app = Quart(__name__)
    events = []

    @app.after_request
    async def last(response: Any) -> Any:
        events.append("after")
        return response

    @app.route("/")
    async def view() -> str:
        @after_this_request
        def first(response: Any) -> Any:
            events.append("this")
            return response

        return ""

    await app.test_client().get("/")
    assert events == ["this", "after"]


async def test_plain_hooks_do_as_async_ones() -> None:
    app = Quart(__name__)
    events = []
    app.before_request(lambda: events.append("before"))
    app.after_request(lambda response: response)
    app.teardown_request(lambda error: events.append("teardown"))
    app.add_url_rule("/", "view", lambda: "ok")
    assert (await app.test_client().get("/")).status_code == 200
    assert events == ["before", "teardown"]
