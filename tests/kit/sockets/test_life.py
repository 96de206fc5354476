"""Beginning and end of a connection, and of the app: hooks, errors, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import quart
from quart import websocket
from quart.testing import WebsocketResponseError

import quarterdeck.app
from quarterdeck.exceptions import (
    ConfigurationError,
    ExtensionAlreadyInitializedError,
    ExtensionNotInitializedError,
    HubNotRunningError,
    IdentityMissingError,
)
from quarterdeck.sockets import Hub, Member
from tests.kit.sockets.app import connected, make_app
from tests.plain import Quart as PlainQuart


@pytest.fixture(params=[PlainQuart, quarterdeck.app.Quart], ids=["quart", "quarterdeck"])
def made(request: pytest.FixtureRequest) -> tuple[quart.Quart, Hub]:
    return make_app(request.param)


@pytest.fixture
def hub(made: tuple[quart.Quart, Hub]) -> Hub:
    return made[1]


@pytest.fixture
async def app(made: tuple[quart.Quart, Hub]) -> AsyncIterator[quart.Quart]:
    async with made[0].test_app(), made[0].app_context():
        yield made[0]


def watch(app: quart.Quart) -> list[str]:
    """Note when the hooks run."""
    order: list[str] = []

    @app.before_websocket
    async def before() -> None:
        order.append(f"before {websocket.path}")

    @app.after_websocket
    async def after(response: Any) -> Any:
        order.append("after")
        return response

    @app.teardown_websocket
    async def teardown(error: BaseException | None) -> None:
        order.append("teardown websocket")

    @app.teardown_appcontext
    async def teardown_app(error: BaseException | None) -> None:
        order.append("teardown app")

    return order


async def gone(hub: Hub) -> None:
    async with asyncio.timeout(5):
        while hub.statistics()["connections"]:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


# --- hooks ----------------------------------------------------------------------------


@pytest.mark.feature("H2")
async def test_hooks_run_in_order(made: tuple[quart.Quart, Hub]) -> None:
    app, _ = made
    order = watch(app)
    async with app.test_app():
        order.clear()  # the context in which the app started
        async with connected(app) as ada:
            await ada.subscribe("open")
            assert order == ["before /ws"]
            (connection,) = app.extensions["sockets"].connections
            connection.close(4401, "Signed out")
            assert await ada.close_code() == 4401
        assert order == ["before /ws", "after", "teardown websocket", "teardown app"]


@pytest.mark.feature("H2")
async def test_teardown_runs_when_the_client_leaves(made: tuple[quart.Quart, Hub]) -> None:
    app, _ = made
    order = watch(app)
    async with app.test_app():
        order.clear()  # the context in which the app started
        async with connected(app) as ada:
            await ada.subscribe("open")
        assert order == ["before /ws", "teardown websocket", "teardown app"]


async def test_a_hook_may_refuse(made: tuple[quart.Quart, Hub]) -> None:
    app, hub = made

    @app.before_websocket
    async def closed() -> tuple[str, int]:
        return "", 403

    async with app.test_app(), app.app_context():
        with pytest.raises(WebsocketResponseError):
            async with connected(app) as ada:
                await ada.connection.receive()
        assert hub.statistics()["connections"] == 0


# --- nothing left behind ----------------------------------------------------------------


async def test_no_task_and_no_seat_is_left(app: quart.Quart, hub: Hub) -> None:
    async with connected(app) as warm:
        await warm.subscribe("open")
    before = asyncio.all_tasks()
    for number in range(5):
        async with connected(app, f"Guest {number}") as guest:
            await guest.subscribe("open")
            await guest.subscribe(f"order:{number}")
            assert len(asyncio.all_tasks()) > len(before)
    await gone(hub)
    assert asyncio.all_tasks() <= before
    figures = hub.statistics()
    assert {key: figures[key] for key in ("connections", "members", "rooms", "queued")} == {
        "connections": 0,
        "members": 0,
        "rooms": 0,
        "queued": 0,
    }


async def test_no_task_is_left_of_the_app() -> None:
    app, _ = make_app()
    before = asyncio.all_tasks()
    async with app.test_app(), connected(app) as ada:
        await ada.subscribe("open")
        assert len(asyncio.all_tasks() - before) >= 2
    assert asyncio.all_tasks() <= before


async def test_a_handler_cancelled_at_work(app: quart.Quart, hub: Hub) -> None:
    """The client leaves while its message is being looked at."""
    asked, cancelled = asyncio.Event(), asyncio.Event()

    @hub.room("slow")
    async def think(member: Member) -> bool:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return True

    before = asyncio.all_tasks()
    async with connected(app) as ada:
        await ada.send("subscribe", room="slow")
        await asked.wait()
        await hub.disconnect("ada")
        assert await ada.close_code() == 4401
    assert cancelled.is_set()
    await gone(hub)
    assert asyncio.all_tasks() <= before


# --- our own failures ---------------------------------------------------------------------


@pytest.mark.hazard("a handler error closes with 1000")
async def test_an_error_of_ours_closes_with_1011(app: quart.Quart, hub: Hub) -> None:
    @hub.room("broken")
    async def fail(member: Member) -> bool:
        raise RuntimeError("a bug")

    async with connected(app) as ada:
        await ada.send("subscribe", room="broken")
        assert await ada.close_code() == 1011
    assert hub.statistics()["connections"] == 0


async def test_a_timeout_of_ours_is_an_error_too(app: quart.Quart, hub: Hub) -> None:
    @hub.room("broken")
    async def fail(member: Member) -> bool:
        raise TimeoutError

    async with connected(app) as ada:
        await ada.send("subscribe", room="broken")
        assert await ada.close_code() == 1011


# --- the end of the app -------------------------------------------------------------------


async def test_shutdown_closes_with_1012() -> None:
    app, _ = make_app()
    codes: list[int] = []
    serving = app.test_app()
    await serving.startup()
    async with connected(app, "Ada") as ada, connected(app, "Bob") as bob:
        await ada.subscribe("open")
        await bob.send("ping")
        await bob.next()
        stopping = asyncio.create_task(serving.shutdown())
        codes += [await ada.close_code(), await bob.close_code()]
        await stopping
    assert codes == [1012, 1012]


async def test_who_comes_while_it_stops_is_closed_too() -> None:
    app, hub = make_app()
    asked, answer = asyncio.Event(), asyncio.Event()

    @hub.identify
    async def identify() -> Member:
        asked.set()
        await answer.wait()
        return Member("ada", "Ada")

    serving = app.test_app()
    await serving.startup()
    async with connected(app) as ada:
        await asked.wait()
        await serving.shutdown()
        answer.set()
        assert await ada.close_code() == 1012


async def test_without_start_up_there_is_no_hub(caplog: pytest.LogCaptureFixture) -> None:
    app, _ = make_app()
    with pytest.raises(WebsocketResponseError):
        async with connected(app) as ada:
            await ada.connection.receive()
    assert str(HubNotRunningError()) in caplog.text


async def test_without_identify_nobody_is_served(caplog: pytest.LogCaptureFixture) -> None:
    app = quart.Quart(__name__)
    hub = Hub(app)
    app.add_websocket("/ws", "ws", hub.serve)
    async with app.test_app():
        with pytest.raises(WebsocketResponseError):
            async with connected(app) as ada:
                await ada.connection.receive()
    assert str(IdentityMissingError()) in caplog.text


# --- set-up -----------------------------------------------------------------------------


def test_init_app_twice(made: tuple[quart.Quart, Hub]) -> None:
    with pytest.raises(ExtensionAlreadyInitializedError):
        Hub(made[0])


async def test_an_app_without_a_hub() -> None:
    app = quart.Quart(__name__)
    async with app.app_context():
        with pytest.raises(ExtensionNotInitializedError):
            await Hub().publish_to("ada", "n", 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SOCKETS_BACKEND", "carrier pigeon"),
        ("SOCKETS_LOG_SIZE", 0),
        ("SOCKETS_RECHECK_SECONDS", 0),
        ("SOCKETS_PRESENCE_SECONDS", "soon"),
    ],
)
def test_configuration_that_cannot_work(key: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=key):
        make_app(**{key: value})


async def test_one_hub_serves_two_apps_apart() -> None:
    hub = Hub()
    hub.identify(lambda: Member("1", "Ada"))
    hub.room("open")(lambda member: True)
    apps = [quart.Quart("one"), quart.Quart("two")]
    for app in apps:
        hub.init_app(app)
        app.add_websocket("/ws", "ws", hub.serve)
    one, two = apps
    async with one.test_app(), two.test_app(), connected(one) as ada, connected(two) as bob:
        await ada.subscribe("open")
        await bob.subscribe("open")
        async with two.app_context():
            await hub.publish("open", "n", 2)
        async with one.app_context():
            await hub.publish("open", "n", 1)
        assert [(await each.next())["data"] for each in (ada, bob)] == [1, 2]


async def test_statistics(app: quart.Quart, hub: Hub) -> None:
    async with connected(app) as ada, connected(app) as two:
        await ada.subscribe("open")
        await two.subscribe("open")
        await hub.publish("open", "n", 1)
        await ada.next()
        figures = hub.statistics()
        assert figures == {
            "connections": 2,
            "members": 1,
            "rooms": 1,
            "queued": figures["queued"],
            "log": 1,
            "delivered": 2,
            "fell_behind": 0,
            "waiting": 0,
        }
        await hub.check()


async def test_who_fell_behind_is_counted(app: quart.Quart, hub: Hub) -> None:
    manager = app.extensions["sockets"]
    async with connected(app) as ada:
        await ada.subscribe("open")
        (connection,) = manager.connections
        connection._limit = 0
        await hub.publish("open", "n", 1)
        assert await ada.close_code() == 1008
    assert hub.statistics()["fell_behind"] == 1


@pytest.fixture
def closing() -> tuple[quart.Quart, Hub, list[str]]:
    """An app that closes something, such as its database, which it had before the hub."""
    order: list[str] = []

    class App(PlainQuart):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.after_serving(close)

    async def close() -> None:
        order.append("closed")

    return *make_app(App, SOCKETS_RECHECK_SECONDS=0.01), order


async def test_a_check_of_members_ends_before_what_it_uses(
    closing: tuple[quart.Quart, Hub, list[str]],
) -> None:
    app, hub, order = closing
    checking = asyncio.Event()

    @hub.recheck
    async def recheck(members: Any) -> Any:
        checking.set()
        try:
            await asyncio.Event().wait()
        finally:
            order.append("checked")

    async with app.test_app(), connected(app):
        await checking.wait()
    assert order == ["checked", "closed"]
