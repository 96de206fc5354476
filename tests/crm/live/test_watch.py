"""``crm watch`` in a process of its own, on ``crm serve`` in another one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from quarterdeck.sockets.client import Client, Event, Presence
from quarterdeck_crm.cli.watch import line
from tests import serving
from tests.demonstration import Demonstrations
from tests.servers import free_port, redis_server, running

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.feature("WS3"),
    pytest.mark.timeout(180),
]

PAGE = Path(__file__).parents[3] / "docs" / "websocket.md"
PROGRAM = (sys.executable, "-m", "quarterdeck_crm")


class Company(NamedTuple):
    """A CRM with demonstration data, and tokens of two users."""

    folder: Path
    watcher: str
    talker: str


@pytest.fixture(scope="module")
def company(demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("watched")
    tokens = demonstrations.copy(folder)
    return Company(folder, tokens["user"], tokens["admin"])


class Site(serving.Site):
    """``crm serve`` of a company.

    Args:
        company: Whose.
        **more: Environment variables.
    """

    def __init__(self, company: Company, **more: str) -> None:
        super().__init__(company.folder, **more)
        self.company = company


@pytest.fixture(scope="module")
def site(company: Company) -> Iterator[Site]:
    with running(Site(company)) as site:
        yield site


class Watching:
    """A running ``crm watch``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        """Return the next line that it prints."""
        assert self._process.stdout
        async with asyncio.timeout(60):
            return (await self._process.stdout.readline()).decode().rstrip("\n")

    async def interrupt(self) -> tuple[int, str, str]:
        """Press Ctrl-C; return the exit code and what else it says."""
        self._process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            out, errors = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, out.decode(), errors.decode()


@asynccontextmanager
async def watching(site: Site, *words: str, token: str | None = None) -> AsyncIterator[Watching]:
    """Run ``crm watch`` until the block ends."""
    process = await _start(site.url, token or site.company.watcher, *words)
    try:
        yield Watching(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _start(url: str, token: str, *words: str) -> asyncio.subprocess.Process:
    names = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return await asyncio.create_subprocess_exec(
        *(*PROGRAM, "watch", *words),
        # As on another machine: no instance folder, and the key of production is not there.
        env=kept | {"CRM_CONFIG": "production", "CRM_URL": url, "CRM_TOKEN": token, "TZ": "UTC"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def failing(url: str, token: str, *words: str) -> tuple[int | None, str]:
    """Run ``crm watch`` to its end, and return its exit code and its last words."""
    process = await _start(url, token, *words)
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


class Talker:
    """Somebody else in the room, who sees when the watcher is there."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def say(self, *texts: str) -> list[str]:
        """Say something; return the ids of these events."""
        for text in texts:
            await self._client.say("orders", text)
        return [(await self._next(Event)).id for _ in texts]

    async def sees(self, name: str) -> None:
        """Wait until somebody is there."""
        while True:
            presence = await self._next(Presence)
            if any(user["name"] == name for user in presence.here):
                return

    async def _next(self, kind: type[Any]) -> Any:
        async with asyncio.timeout(60):
            while not isinstance(happening := await anext(self._client), kind):
                pass
        return happening


@asynccontextmanager
async def talker(site: Site) -> AsyncIterator[Talker]:
    async with Client(f"{site.url}/ws", token=site.company.talker) as client:
        await client.subscribe("orders")
        yield Talker(client)


async def test_prints_a_line_for_each_event(site: Site) -> None:
    async with talker(site) as ada, watching(site, "orders") as watch:
        await ada.sees("Uma Usher")
        first, second = await ada.say("Ahoy", "Who is there?")

        assert re.fullmatch(
            rf"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d said: Ahoy by Ada Anker {first}", await watch.line()
        )
        assert (await watch.line()).endswith(f"said: Who is there? by Ada Anker {second}")


async def test_an_order_that_a_program_makes_and_moves(site: Site) -> None:
    order = {"account_id": 1, "currency": "EUR", "lines": [{"good_id": 1, "quantity": 1}]}
    async with talker(site) as ada, watching(site, "orders") as watch:
        await ada.sees("Uma Usher")
        made = await asyncio.to_thread(post, site, "orders", order)
        created = await watch.line()
        async with watching(site, f"order:{made['id']}", "--since", created.split()[-1]) as one:
            await asyncio.to_thread(post, site, f"orders/{made['id']}/moves", {"to": "confirmed"})
            moved = await watch.line()
            assert words_of(await one.line()) == words_of(created)
            assert words_of(await one.line()) == words_of(moved)

    assert words_of(created) == f"order {made['number']} created by Ada Anker"
    assert words_of(moved) == f"order {made['number']} moved to confirmed by Ada Anker"


def words_of(line: str) -> str:
    """A line without its time and id."""
    return " ".join(line.split()[2:-1])


def post(site: Site, path: str, data: dict[str, Any]) -> Any:
    """Send a request of a program, and return the answer."""
    authorization = {"Authorization": f"Bearer {site.company.talker}"}
    connection = HTTPConnection("127.0.0.1", site.port, timeout=20)
    with closing(connection):
        headers = authorization | {"Content-Type": "application/json"}
        connection.request("POST", f"/api/v1/{path}", json.dumps(data), headers)
        answer = connection.getresponse()
        assert answer.status < 300
        return json.load(answer)


async def test_json_from_an_event_on(site: Site) -> None:
    async with talker(site) as ada:
        first, second, third = await ada.say("one", "two", "three")
        async with watching(site, "orders", "--json", "--since", first) as watch:
            events = [json.loads(await watch.line()) for _ in range(2)]

    assert [event["id"] for event in events] == [second, third]
    assert events[0] == {
        "type": "event",
        "room": "orders",
        "id": second,
        "name": "said",
        "data": {"by": {"id": "1", "name": "Ada Anker"}, "text": "two"},
    }


async def test_a_server_that_is_killed_and_started_again(site: Site) -> None:
    """With the log in memory, what it knew is gone: that is said, and nothing comes twice."""
    async with watching(site) as watch:
        async with talker(site) as ada:
            await ada.sees("Uma Usher")
            before = await ada.say("one", "two")
        assert [(await watch.line()).split()[-1] for _ in before] == before

        site.kill()
        site.start()

        async with talker(site) as ada:
            await ada.sees("Uma Usher")
            after = await ada.say("three", "four")
        assert "missing" in await watch.line()
        assert [(await watch.line()).split()[-1] for _ in after] == after
        code, more, said = await watch.interrupt()

    assert more == ""
    assert "not connected - retrying" in said
    assert f"crm watch orders --since {after[-1]}" in said
    assert code == 130


@pytest.mark.external_service("redis")
async def test_with_redis_nothing_is_missing(company: Company, tmp_path: Path) -> None:
    """What another process publishes while ours is down comes when ours is back, once.

    It is stopped, not killed: a kill is a gap for all, which tests of the processes show.
    """
    with running(redis_server(tmp_path)) as redis:
        settings = {"SOCKETS_BACKEND": "redis", "SOCKETS_REDIS": f"redis://127.0.0.1:{redis.port}"}
        more = {f"CRM_{key}": value for key, value in settings.items()}
        with running(Site(company, **more)) as ours, running(Site(company, **more)) as other:
            async with talker(other) as ada, watching(ours) as watch:
                await ada.sees("Uma Usher")
                said = await ada.say("one", "two")
                assert [(await watch.line()).split()[-1] for _ in said] == said

                await asyncio.to_thread(ours.stop)
                said = await ada.say(*(str(number) for number in range(20)))
                ours.start()
                assert [(await watch.line()).split()[-1] for _ in said] == said

                said = await ada.say("three")
                assert (await watch.line()).split()[-1] == said[0]
                assert (await watch.interrupt())[1] == ""


async def test_ctrl_c_is_no_error(site: Site) -> None:
    async with talker(site) as ada, watching(site) as watch:
        await ada.sees("Uma Usher")
        code, out, said = await watch.interrupt()

    assert (code, out) == (130, "")
    assert re.fullmatch(r"\nTo go on from here: crm watch orders --since \d+-\d+\n", said)


async def test_the_program_of_the_page_does_the_same(site: Site) -> None:
    """The one in docs/websocket.md, as it stands there but for the address."""
    found = re.search(r"<!-- program -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert found
    assert "http://127.0.0.1:8000" in found[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", found[1].replace("http://127.0.0.1:8000", site.url)),
        env=os.environ | {"CRM_TOKEN": site.company.watcher},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with talker(site) as ada:
            await ada.sees("Uma Usher")
            await ada.say("Ahoy")
            assert "'text': 'Ahoy'" in await Watching(process).line()
    finally:
        process.kill()
        await process.communicate()


async def test_what_cannot_be_watched(site: Site) -> None:
    """Each is one sentence."""
    ours = site.company.watcher
    told = await asyncio.gather(
        failing(site.url, "qd_wrong", "orders"),
        failing(site.url, ours, "nowhere"),
        failing(site.url, ours, "order:999999"),
        failing(site.url, ours, "--since", "yesterday"),
        failing(f"{site.url}/api", ours),
    )

    sentences = (
        "does not accept the sign-in",
        "'nowhere' - There is no such room",
        "'order:999999' - ",
        "is not an event id",
        "serves no events",
    )
    for (code, said), sentence in zip(told, sentences, strict=True):
        assert code == 1
        assert said.startswith("Error: ")
        assert sentence in said
        assert said.count("\n") == 1


async def test_nobody_is_there() -> None:
    code, said = await failing(f"http://127.0.0.1:{free_port()}", "any")

    assert code == 1
    assert re.match(r"Error: 'ws://127.0.0.1:\d+/ws' does not answer: .*Start the server", said)


async def test_without_a_token_it_says_how_to_get_one() -> None:
    code, said = await failing("http://127.0.0.1:1", "")

    assert code == 2
    assert "crm token create" in said


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        (
            "order.moved",
            {"id": 7, "number": 10248, "state": "Confirmed", "by": {"id": "1", "name": "Ada"}},
            "order 10248 moved to Confirmed by Ada",
        ),
        ("order.changed", {"id": 7, "action": "note added"}, "order 7 note added"),
        ("account.changed", {"id": 7, "name": "Blåbær"}, "account Blåbær changed"),
        ("task.changed", {"id": 7, "title": "Call"}, "task Call changed"),
        ("person.deleted", {"id": 7}, "person 7 deleted"),
        ("said", {"text": "Hi", "by": {"name": "Ada"}}, "said: Hi by Ada"),
        ("said", {"text": "\x1b[2Jgone\nforged", "by": "x\r"}, "said: �[2Jgone�forged by x�"),
        ("odd", ["no", "object"], "odd"),
    ],
)
def test_the_words_of_a_line(name: str, data: Any, words: str) -> None:
    """One line whatever it holds, and nothing in it that a terminal would obey."""
    event = Event("orders", "1795262736578-3", name, data)

    assert line(event).split(" ", 2)[2] == f"{words} 1795262736578-3"
