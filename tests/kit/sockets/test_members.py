"""Who is connected, who may stay, and who is here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from quart import Quart, websocket
from werkzeug.exceptions import Forbidden, Unauthorized

from quarterdeck.sockets import Hub, Member, Person
from quarterdeck.sockets.memory import MemoryBackend
from quarterdeck.sockets.presence import PresenceTracker, merge
from tests.kit.sockets.app import Client, connected, make_app

pytestmark = pytest.mark.feature("WS3")


class Doorkeeper:
    """Says who may stay, and remembers how often it was asked about whom."""

    def __init__(self, hub: Hub) -> None:
        self.asked: list[set[str]] = []
        self.gone: set[str] = set()
        self.failure: Exception | None = None
        self.again = asyncio.Event()
        hub.recheck(self.recheck)

    async def recheck(self, members: Sequence[Member]) -> list[Member]:
        self.asked.append({member.via for member in members})
        self.again.set()
        if self.failure is not None:
            raise self.failure
        return [member for member in members if member.via not in self.gone]


@pytest.fixture
def config() -> dict[str, Any]:
    return {"SOCKETS_RECHECK_SECONDS": 60}


@pytest.fixture
def _app(config: dict[str, Any]) -> tuple[Quart, Hub]:
    app, hub = make_app(**config)

    @hub.identify
    async def identify() -> Member:
        name, _, via = websocket.args["as"].partition("@")
        return Member(name.lower(), name, via=via)

    return app, hub


@pytest.fixture
def doorkeeper(_app: tuple[Quart, Hub]) -> Doorkeeper:
    return Doorkeeper(_app[1])


@pytest.fixture
async def app(_app: tuple[Quart, Hub], doorkeeper: Doorkeeper) -> AsyncIterator[Quart]:
    app = _app[0]
    async with app.test_app(), app.app_context():
        yield app


@pytest.fixture
def hub(_app: tuple[Quart, Hub]) -> Hub:
    return _app[1]


async def is_connected(client: Client) -> bool:
    await client.send("ping")
    return bool((await client.next())["type"] == "pong")


# --- who may stay -------------------------------------------------------------------


@pytest.mark.parametrize(("error", "code"), [(Unauthorized, 4401), (Forbidden, 4403)])
async def test_who_is_refused(app: Quart, hub: Hub, error: type[Exception], code: int) -> None:
    @hub.identify
    async def identify() -> Member:
        raise error

    async with connected(app) as ada:
        assert await ada.close_code() == code


@pytest.mark.parametrize("config", [{"SOCKETS_RECHECK_SECONDS": 0.01}])
@pytest.mark.hazard("a signed-out user's socket stays authorised")
async def test_who_may_not_stay_is_closed(app: Quart, doorkeeper: Doorkeeper) -> None:
    async with connected(app, "Ada@phone") as phone, connected(app, "Ada@desk") as desk:
        assert await is_connected(phone)
        assert await is_connected(desk)
        doorkeeper.gone.add("phone")
        assert await phone.close_code() == 4401
        assert await is_connected(desk)


async def test_everybody_is_asked_about_at_once(
    app: Quart, hub: Hub, doorkeeper: Doorkeeper
) -> None:
    async with (
        connected(app, "Ada@1") as one,
        connected(app, "Bob@2") as two,
        connected(app, "Bob@2") as three,
    ):
        for each in (one, two, three):
            await is_connected(each)
        await hub.reconsider("nobody")
        await doorkeeper.again.wait()
        assert doorkeeper.asked == [{"1", "2"}]


@pytest.mark.parametrize("config", [{"SOCKETS_RECHECK_SECONDS": 0.01}])
async def test_a_check_that_fails_ends_nobody(
    app: Quart, doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    doorkeeper.failure = OSError("the database is down")
    async with connected(app) as ada:
        await is_connected(ada)
        doorkeeper.again.clear()
        await doorkeeper.again.wait()
        assert await is_connected(ada)
        assert "the database is down" in caplog.text
        assert "Traceback" in caplog.text
        doorkeeper.failure = None
        doorkeeper.gone.add("")
        assert await ada.close_code() == 4401


async def test_disconnect(app: Quart, hub: Hub) -> None:
    async with connected(app, "Ada") as ada, connected(app, "Bob") as bob:
        await is_connected(ada)
        await is_connected(bob)
        await hub.disconnect("ada")
        assert await ada.close_code() == 4401
        assert await is_connected(bob)
        await hub.disconnect("bob", 1012)
        assert await bob.close_code() == 1012


async def test_disconnect_what_one_session_let_in(app: Quart, hub: Hub) -> None:
    async with connected(app, "Ada@phone") as phone, connected(app, "Ada@desk") as desk:
        await is_connected(phone)
        await is_connected(desk)
        await hub.disconnect("ada", via="phone")
        assert await phone.close_code() == 4401
        assert await is_connected(desk)


async def test_rooms_are_asked_about_again(app: Quart, hub: Hub, doorkeeper: Doorkeeper) -> None:
    allowed = {"Ada", "Bob"}

    @hub.room("bridge")
    async def may_enter(member: Member) -> bool:
        return member.name in allowed

    async with connected(app, "Ada") as ada, connected(app, "Bob") as bob:
        for each in (ada, bob):
            await each.subscribe("bridge")
            await each.subscribe("open")
        allowed.clear()
        await hub.reconsider("ada")
        error = await ada.next()
        assert (error["type"], error["code"], error["room"]) == ("error", "not_allowed", "bridge")
        await hub.publish("bridge", "secret", 1)
        await hub.publish("open", "n", 2)
        assert (await ada.next())["room"] == "open"
        assert (await bob.next())["name"] == "secret"  # nobody requested this one


async def test_rooms_are_asked_about_again_after_a_gap(app: Quart, hub: Hub) -> None:
    """What was lost may have said so."""
    allowed = {"Ada"}

    @hub.room("bridge")
    async def may_enter(member: Member) -> bool:
        return member.name in allowed

    async with connected(app, "Ada") as ada:
        await ada.subscribe("bridge")
        allowed.clear()
        app.extensions["sockets"].on_gap("9999999999999-0")
        assert {(await ada.next())["type"] for _ in range(2)} == {"gap"}
        assert (await ada.next())["code"] == "not_allowed"


@pytest.mark.parametrize("config", [{"SOCKETS_RECHECK_SECONDS": 0.05}])
async def test_a_request_outlives_a_check_that_fails(
    app: Quart, hub: Hub, doorkeeper: Doorkeeper
) -> None:
    allowed = {"Ada"}

    @hub.room("bridge")
    async def may_enter(member: Member) -> bool:
        return member.name in allowed

    async with connected(app, "Ada") as ada:
        await ada.subscribe("bridge")
        allowed.clear()
        doorkeeper.failure = OSError("the database is down")
        doorkeeper.again.clear()
        await hub.reconsider("ada")
        await doorkeeper.again.wait()
        doorkeeper.failure = None
        assert (await ada.next())["code"] == "not_allowed"


# --- who is here ----------------------------------------------------------------------


async def here(client: Client) -> list[tuple[str, str]]:
    message = await client.presence()
    assert message["room"] == "open"
    return [(each["name"], each["doing"]) for each in message["here"]]


async def test_who_comes_and_goes(app: Quart) -> None:
    async with connected(app, "Ada") as ada:
        await ada.subscribe("open")
        assert await here(ada) == [("Ada", "looking")]
        async with connected(app, "Bob") as bob:
            await bob.subscribe("open", doing="editing")
            assert await here(ada) == await here(bob) == [("Ada", "looking"), ("Bob", "editing")]
            await bob.subscribe("open")
            assert await here(ada) == [("Ada", "looking"), ("Bob", "looking")]
            await bob.send("unsubscribe", room="open")
            assert await here(ada) == [("Ada", "looking")]
            await bob.subscribe("open")
            assert len(await here(ada)) == 2
        assert await here(ada) == [("Ada", "looking")]


async def test_several_connections_are_one_person(app: Quart) -> None:
    async with connected(app, "Bob") as bob, connected(app, "Ada") as one:
        await bob.subscribe("open")
        await here(bob)
        await one.subscribe("open")
        assert await here(bob) == [("Ada", "looking"), ("Bob", "looking")]
        async with connected(app, "Ada") as two:
            await two.subscribe("open", doing="editing")  # who edits anywhere is editing
            assert await here(two) == await here(bob) == [("Ada", "editing"), ("Bob", "looking")]
        assert await here(bob) == [("Ada", "looking"), ("Bob", "looking")]


async def test_a_second_connection_hears_who_is_here_and_the_others_nothing(app: Quart) -> None:
    async with connected(app, "Ada") as one, connected(app, "Ada") as two:
        await one.subscribe("open")
        await here(one)
        await two.subscribe("open")
        assert await here(two) == [("Ada", "looking")]
        await one.send("ping")
        assert (await one.next(ignore=()))["type"] == "pong"


@pytest.mark.parametrize("config", [{"SOCKETS_PRESENCE_SECONDS": 0.2}])
async def test_many_who_come_at_once_make_one_message(app: Quart) -> None:
    async with connected(app, "Ada") as ada:
        await ada.subscribe("open")
        async with asyncio.TaskGroup() as group:
            leave = asyncio.Event()
            entered = asyncio.Barrier(11)

            async def visit(number: int) -> None:
                async with connected(app, f"Guest {number}") as guest:
                    await guest.subscribe("open")
                    await entered.wait()
                    await leave.wait()

            for number in range(10):
                group.create_task(visit(number))
            await entered.wait()
            assert len(await here(ada)) == 11
            leave.set()


async def test_presence_survives_a_back_end_in_trouble(
    app: Quart, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("quarterdeck.sockets.presence.RETRY_SECONDS", 0.01)
    backend = app.extensions["sockets"].backend
    known, failures = backend.here, iter([OSError("away"), OSError("away"), None])

    async def sometimes(room: str) -> Any:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await known(room)

    monkeypatch.setattr(backend, "here", sometimes)
    with caplog.at_level(logging.WARNING):
        async with connected(app, "Ada") as ada:
            await ada.subscribe("open")
            assert await here(ada) == [("Ada", "looking")]
    assert caplog.text.count("The update of presence does not work: away") == 1
    assert caplog.text.count("Traceback") == 1, "one in an outage"


def test_news_of_a_crowd_come_less_often() -> None:
    """Ten times as many who are told of ten times as many: not a hundred times the work."""
    crowds = {"few": 50, "many": 500}
    presence = PresenceTracker(
        MemoryBackend(), lambda room: cast(Any, range(crowds[room])), pause=0.2
    )
    assert presence.pause == 0.2
    presence.on_presence("few")
    assert presence.pause == 0.2
    presence.on_presence("many")
    assert presence.pause == 2.0


def test_who_edits_anywhere_is_editing() -> None:
    """Whichever of the two connections is looked at first."""
    one, two = Person("1", "Ada", "looking"), Person("1", "Ada", "editing")
    assert merge([one, two]) == merge([two, one]) == [two]
