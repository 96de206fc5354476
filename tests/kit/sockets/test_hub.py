"""The hub over WebSockets: rooms, events, catching up, and what a client must not do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart

from quarterdeck.exceptions import EventRefusedError, SayRefusedError
from quarterdeck.sockets import Event, Hub, Member
from tests.kit.sockets.app import Client, connected, make_app

pytestmark = pytest.mark.feature("WS3")


@pytest.fixture
def config() -> dict[str, Any]:
    return {}


@pytest.fixture
async def served(config: dict[str, Any]) -> AsyncIterator[tuple[Quart, Hub]]:
    app, hub = make_app(**config)
    async with app.test_app(), app.app_context():
        yield app, hub


@pytest.fixture
def app(served: tuple[Quart, Hub]) -> Quart:
    return served[0]


@pytest.fixture
def hub(served: tuple[Quart, Hub]) -> Hub:
    return served[1]


# --- events -------------------------------------------------------------------------


async def test_an_event_reaches_its_room_and_no_other(app: Quart, hub: Hub) -> None:
    async with connected(app, "Ada") as ada, connected(app, "Bob") as bob:
        await ada.subscribe("order:1")
        await bob.subscribe("order:2")
        sent = await hub.publish("order:1", "order.moved", {"state": "paid"})
        await hub.publish("order:2", "order.moved", {"state": "new"})

        assert await ada.next() == {
            "type": "event",
            "room": "order:1",
            "id": sent,
            "name": "order.moved",
            "data": {"state": "paid"},
        }
        assert (await bob.next())["data"] == {"state": "new"}


async def test_nothing_comes_after_leaving(app: Quart, hub: Hub) -> None:
    async with connected(app) as ada:
        await ada.subscribe("order:1")
        await ada.send("unsubscribe", room="order:1")
        await ada.send("ping")
        assert await ada.next() == {"type": "pong"}
        await hub.publish("order:1", "n", 1)
        await ada.send("ping")
        assert await ada.next() == {"type": "pong"}


async def test_who_comes_back_gets_what_was_missed(app: Quart, hub: Hub) -> None:
    async with connected(app) as ada:
        await ada.subscribe("open")
        last = await hub.publish("open", "n", 1)
        await ada.next()
    await hub.publish("open", "n", 2)
    await hub.publish("order:1", "n", "of another room")
    newest = await hub.publish("open", "n", 3)
    async with connected(app) as ada:
        heard = await ada.subscribe("open", since=last)
        assert [message["type"] for message in heard] == ["event", "event", "subscribed"]
        assert [message["data"] for message in heard[:2]] == [2, 3]
        assert heard[2] == {"type": "subscribed", "room": "open", "at": newest, "replayed": 2}


async def test_resume_from_where_subscribed_said(app: Quart, hub: Hub) -> None:
    """Also in a room in which nothing had happened yet."""
    async with connected(app) as ada:
        at = (await ada.subscribe("open"))[-1]["at"]
    await hub.publish("open", "n", 1)
    async with connected(app) as ada:
        assert (await ada.subscribe("open", since=at))[0]["data"] == 1


async def test_nothing_is_lost_or_doubled_while_events_come(app: Quart, hub: Hub) -> None:
    async def publish() -> None:
        for number in range(200):
            await hub.publish("open", "n", number)
            await asyncio.sleep(0)

    first = await hub.publish("open", "n", -1)
    publishing = asyncio.create_task(publish())
    numbers: list[int] = []
    last = first
    while len(numbers) < 200:
        async with connected(app) as ada:
            heard = await ada.subscribe("open", since=last)
            heard = heard[:-1] or [await ada.next()]
            numbers += [message["data"] for message in heard]
            last = heard[-1]["id"]
    await publishing
    assert numbers == list(range(200))


async def test_subscribing_twice_doubles_nothing(app: Quart, hub: Hub) -> None:
    first = await hub.publish("open", "n", 0)
    await hub.publish("open", "n", 1)
    async with connected(app) as ada:
        await ada.subscribe("open")
        await hub.publish("open", "n", 2)
        assert (await ada.next())["data"] == 2
        again = await ada.subscribe("open", since=first)
        assert [message.get("data") for message in again] == [1, None]
        await hub.publish("open", "n", 3)
        assert (await ada.next())["data"] == 3


@pytest.mark.parametrize("config", [{"SOCKETS_LOG_SIZE": 2}])
async def test_what_is_too_old_is_a_gap(app: Quart, hub: Hub) -> None:
    ids = [await hub.publish("open", "n", number) for number in range(4)]
    async with connected(app) as ada:
        heard = await ada.subscribe("open", since=ids[0])
        assert heard[0] == {"type": "gap", "room": "open"}
        assert heard[1] == {"type": "subscribed", "room": "open", "at": ids[3], "replayed": 0}
        await hub.publish("open", "n", 4)
        assert (await ada.next())["data"] == 4


async def test_an_id_of_another_run_is_a_gap(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck.sockets.handler.CATCH_UP_SECONDS", 0.01)
    async with connected(app) as ada:
        for since in ("1-0", "99999999999999-0"):
            assert (await ada.subscribe("open", since=since))[0]["type"] == "gap"


async def test_an_event_that_a_back_end_brings_twice(app: Quart) -> None:
    manager = app.extensions["sockets"]
    async with connected(app) as ada:
        await ada.subscribe("open")
        for number in (1, 1, 2, 1, 3):
            manager.deliver(Event("open", f"99999999999999-{number}", "n", number))
        assert [message["data"] for message in await ada.events(3)] == [1, 2, 3]


async def test_a_process_that_is_behind_catches_up(app: Quart) -> None:
    """The client comes from another one, which was faster."""
    manager = app.extensions["sockets"]
    async with connected(app) as ada:
        await ada.send("subscribe", room="open", since="99999999999999-1")
        await ada.send("ping")  # answered after it, as messages are handled in order
        while not manager.connections:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        for number in (1, 2):
            manager.deliver(Event("open", f"99999999999999-{number}", "n", number))
        heard = [await ada.next() for _ in range(3)]
        assert [message["type"] for message in heard] == ["event", "subscribed", "pong"]
        assert heard[0]["data"] == 2


async def test_events_that_were_lost_are_a_gap_for_everybody(app: Quart, hub: Hub) -> None:
    async with connected(app) as ada:
        await ada.subscribe("open")
        app.extensions["sockets"].on_gap("99999999999999-0")
        rooms = {message["room"] for message in await ada.events(2) if message["type"] == "gap"}
        assert rooms == {"open", "user:ada"}


async def test_a_frame_is_made_once_for_all(
    app: Quart, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    frame = Event.frame.func  # type: ignore[attr-defined]

    def counted(event: Event) -> Any:
        made.append(event)
        return frame(event)

    monkeypatch.setattr(Event.frame, "func", counted)
    async with connected(app) as ada, connected(app) as bob, connected(app) as cleo:
        for each in (ada, bob, cleo):
            await each.subscribe("open")
        await hub.publish("open", "n", 1)
        await hub.publish("order:1", "n", 1)  # nobody is there
        for each in (ada, bob, cleo):
            await each.next()
    assert len(made) == 1


async def test_events_of_a_member_reach_all_their_connections(app: Quart, hub: Hub) -> None:
    async with connected(app, "Ada") as one, connected(app, "Ada") as two, connected(app) as other:
        for each in (one, two, other):
            await each.send("ping")  # they are connected when they answer
            await each.next()
        async with connected(app, "Bob") as bob:
            await bob.send("ping")
            await bob.next()
            await hub.publish_to("ada", "assigned", {"order": 1})
            for each in (one, two):
                assert (await each.next())["data"] == {"order": 1}
            await hub.publish_to("bob", "assigned", {"order": 2})
            assert await bob.next() == {
                "type": "event",
                "room": "user:bob",
                "id": (await bob.subscribe("user:bob"))[-1]["at"],
                "name": "assigned",
                "data": {"order": 2},
            }


async def test_events_of_a_member_can_be_resumed(app: Quart, hub: Hub) -> None:
    async with connected(app) as ada:
        at = (await ada.subscribe("user:ada"))[-1]["at"]
    await hub.publish_to("ada", "n", 1)
    async with connected(app) as ada:
        assert (await ada.subscribe("user:ada", since=at))[0]["data"] == 1
        await hub.publish_to("ada", "n", 2)
        assert (await ada.next())["data"] == 2


# --- talk ---------------------------------------------------------------------------


async def test_say(app: Quart) -> None:
    async with connected(app, "Ada") as ada, connected(app, "Bob") as bob:
        await ada.subscribe("open")
        await bob.subscribe("open")
        await ada.send("say", room="open", text="hello 你好 <b>")
        for each in (ada, bob):
            said = await each.next()
            assert said["name"] == "said"
            assert said["data"] == {"by": {"id": "ada", "name": "Ada"}, "text": "hello 你好 <b>"}


async def test_what_cannot_be_told_just_now(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(event: Event) -> str:
        raise EventRefusedError(1)

    monkeypatch.setattr(app.extensions["sockets"].backend, "publish", full)
    async with connected(app) as ada:
        await ada.subscribe("open")
        await ada.send("say", room="open", text="x")
        assert (await ada.next())["code"] == "unavailable"


async def test_an_app_keeps_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    app, hub = make_app()
    kept: list[tuple[str, str, str]] = []

    @hub.keep_say
    async def keep(member: Member, room: str, text: str) -> bool:
        if text == "no":
            raise SayRefusedError("Say something else.")
        kept.append((member.name, room, text))
        return True

    async with app.test_app(), connected(app, "Ada") as ada:
        await ada.subscribe("open")
        await ada.send("say", room="open", text="no")
        refused = await ada.next()
        assert (refused["code"], refused["detail"]) == ("bad_message", "Say something else.")
        await ada.send("say", room="open", text="yes")
        assert (await ada.next())["data"]["text"] == "yes"

        async def full(event: Event) -> str:
            raise EventRefusedError(1)

        # It is kept, so the client must not be asked to send it again.
        monkeypatch.setattr(app.extensions["sockets"].backend, "publish", full)
        await ada.send("say", room="open", text="quiet")
        await ada.send("ping")
        assert (await ada.next())["type"] == "pong"
    assert kept == [("Ada", "open", "yes"), ("Ada", "open", "quiet")]


# --- what a client must not do --------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", "bad_json"),
        ("", "bad_json"),
        ('{"type":"ping"} x', "bad_json"),
        ('"\\ud800"', "bad_json"),
        ("[]", "bad_message"),
        ("{}", "bad_message"),
        ('{"type":1}', "unknown_type"),
        ('{"type":"nap"}', "unknown_type"),
        ('{"type":"subscribe"}', "bad_message"),
        ('{"type":"subscribe","room":7}', "bad_message"),
        ('{"type":"subscribe","room":"open","since":"yesterday"}', "bad_message"),
        ('{"type":"subscribe","room":"open","doing":"dancing"}', "bad_message"),
        ('{"type":"subscribe","room":"nowhere"}', "unknown_room"),
        ('{"type":"subscribe","room":""}', "unknown_room"),
        ('{"type":"subscribe","room":"order:x"}', "unknown_room"),
        ('{"type":"subscribe","room":"user:bob"}', "unknown_room"),
        ('{"type":"subscribe","room":"' + "o" * 300 + '"}', "unknown_room"),
        ('{"type":"unsubscribe","room":"open"}', "not_subscribed"),
        ('{"type":"unsubscribe","room":"user:ada"}', "not_subscribed"),
        ('{"type":"say","room":"open","text":"x"}', "not_subscribed"),
        ('{"type":"say","room":"user:ada","text":"x"}', "not_subscribed"),
        (b'{"type":"ping"}', "binary"),
    ],
)
async def test_mistakes_are_answered(app: Quart, sent: str | bytes, code: str) -> None:
    async with connected(app) as ada:
        await ada.raw(sent)
        answer = await ada.next()
        assert (answer["type"], answer["code"]) == ("error", code)
        assert len(answer["detail"]) > 10
        await ada.send("ping")
        assert await ada.next() == {"type": "pong"}


async def test_json_as_deep_as_a_message_can_be(app: Quart) -> None:
    """How deep is too deep depends on Python; it ends nothing."""
    async with connected(app) as ada:
        await ada.raw(f'{{"type":"ping","x":{"[" * 8000}{"]" * 8000}}}')
        assert (await ada.next())["type"] in {"pong", "error"}
        await ada.send("ping")
        assert await ada.next() == {"type": "pong"}


@pytest.mark.parametrize("config", [{"SOCKETS_MAX_TEXT": 3}])
@pytest.mark.parametrize(("text", "code"), [("four", "too_long"), (" ", "bad_message")])
async def test_what_cannot_be_said(app: Quart, text: str, code: str) -> None:
    async with connected(app) as ada:
        await ada.subscribe("open")
        await ada.send("say", room="open", text=text)
        error = await ada.next()
        assert (error["code"], error["room"]) == (code, "open")


async def test_who_may_only_listen(app: Quart, hub: Hub) -> None:
    @hub.identify
    async def identify() -> Member:
        return Member("p", "Program", may_say=False)

    async with connected(app) as program:
        await program.subscribe("open")
        await program.send("say", room="open", text="x")
        assert (await program.next())["code"] == "not_allowed"


async def test_a_room_that_is_not_for_everybody(app: Quart, hub: Hub) -> None:
    @hub.room("bridge")
    def captain_only(member: Member) -> bool:  # a plain function is fine
        return member.name == "Ada"

    async with connected(app, "Ada") as ada, connected(app, "Bob") as bob:
        assert (await ada.subscribe("bridge"))[-1]["type"] == "subscribed"
        assert (await bob.subscribe("bridge"))[-1]["code"] == "not_allowed"
        await hub.publish("bridge", "n", 1)
        assert (await ada.next())["data"] == 1
        await bob.send("ping")
        assert await bob.next() == {"type": "pong"}


@pytest.mark.parametrize("config", [{"SOCKETS_MAX_ROOMS": 2}])
async def test_too_many_rooms(app: Quart) -> None:
    async with connected(app) as ada:
        for room in ("order:1", "order:2", "order:2"):
            assert (await ada.subscribe(room))[-1]["type"] == "subscribed"
        assert (await ada.subscribe("order:3"))[-1]["code"] == "too_many_rooms"
        await ada.send("unsubscribe", room="order:1")
        assert (await ada.subscribe("order:3"))[-1]["type"] == "subscribed"


@pytest.mark.hazard("a flooding client")
@pytest.mark.parametrize("config", [{"SOCKETS_RATE": 1, "SOCKETS_BURST": 3}])
async def test_too_many_messages(app: Quart) -> None:
    async with connected(app) as ada:
        for _ in range(4):
            await ada.send("ping")
        kinds = [(await ada.next())["type"] for _ in range(4)]
        assert kinds == ["pong", "pong", "pong", "error"]
        for _ in range(3):
            await ada.send("ping")
        assert await ada.close_code() == 1008


@pytest.mark.parametrize("config", [{"SOCKETS_MAX_MESSAGE_SIZE": 64}])
@pytest.mark.parametrize(
    ("text", "fits"), [("x" * 64, True), ("x" * 65, False), ("你" * 22, False)]
)
async def test_too_big(app: Quart, text: str, fits: bool) -> None:
    async with connected(app) as ada:
        await ada.raw(text)
        if fits:
            assert (await ada.next())["code"] == "bad_json"
        else:
            assert await ada.close_code() == 1009


# --- who is sent away -----------------------------------------------------------------


async def test_nobody_in_particular_is_not_signed_in(app: Quart) -> None:
    async with app.test_client().websocket("/ws") as connection:
        assert await Client(connection).close_code() == 4401
