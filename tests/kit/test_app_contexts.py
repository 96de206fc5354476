"""Contexts never mix, however many are open at once."""

from __future__ import annotations

import asyncio
import random
import runpy
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import quart
from quart import current_app, g, request, session, websocket

from quarterdeck.app import Quart
from quarterdeck.exceptions import ContextEndedError

EXAMPLE = Path(__file__).parents[2] / "examples" / "by_hand" / "context_locals.py"

mark: ContextVar[str] = ContextVar("mark")


def make_app() -> Quart:
    """An app whose every handler marks its contexts, lets others run, and looks again."""
    app = Quart(__name__)
    app.secret_key = "x"
    chance = random.Random(7)  # noqa: S311 - the same interleaving every time

    async def others_run() -> None:
        for _ in range(chance.randrange(1, 6)):
            await asyncio.sleep(0)
        if chance.random() < 0.2:
            await asyncio.sleep(chance.random() / 100)

    async def check(name: str) -> None:
        assert not hasattr(g, "name"), "somebody else's g"
        assert mark.get(name) == name, "somebody else's context variable"
        g.name = name
        mark.set(name)
        for _ in range(3):
            await others_run()
            assert (g.name, mark.get()) == (name, name)
            assert current_app.name == app.name

    @app.get("/async/<name>")
    async def in_request(name: str) -> str:
        session["name"] = name
        await check(name)
        assert request.path == f"/async/{name}"
        return str(session["name"])

    @app.get("/plain/<name>")
    def in_thread(name: str) -> str:
        g.name = session["name"] = name
        return f"{request.path.rpartition('/')[2]}" if g.name == session["name"] else "mixed"

    @app.get("/background/<name>")
    async def with_task(name: str) -> str:
        g.name = "the request's"
        done = asyncio.get_running_loop().create_future()

        async def task() -> None:
            await check(name)
            done.set_result(name)

        app.add_background_task(task)
        result: str = await done
        assert g.name == "the request's"
        return result

    @app.websocket("/ws/<name>")
    async def in_websocket(name: str) -> None:
        await check(name)
        while True:
            message = await websocket.receive()
            await others_run()
            assert websocket.path == f"/ws/{name}"
            await websocket.send(f"{g.name} {message!s}")

    return app


async def ask(app: Quart, kind: str, name: str) -> None:
    client = app.test_client()
    if kind == "ws":
        async with client.websocket(f"/ws/{name}") as connection:
            for message in ("1", "2"):
                await connection.send(message)
                assert await connection.receive() == " ".join((name, message))
        return
    response = await client.get(f"/{kind}/{name}")
    assert await response.get_data(as_text=True) == name
    if kind == "async":
        signer: Any = app.session_interface
        cookie = response.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
        assert signer.get_signing_serializer(app).loads(cookie) == {"name": name}


@pytest.mark.feature("X1")
async def test_a_thousand_interleaved_contexts_never_mix() -> None:
    asyncio.get_running_loop().set_debug(False)  # it is slow, and other tests have it
    app = make_app()
    kinds = ["async"] * 400 + ["background"] * 300 + ["ws"] * 250 + ["plain"] * 50
    random.Random(3).shuffle(kinds)  # noqa: S311
    await asyncio.gather(*(ask(app, kind, f"n{number}") for number, kind in enumerate(kinds)))


@pytest.mark.feature("X1")
@pytest.mark.parametrize("read", [lambda: g.x, lambda: "x" in g, lambda: setattr(g, "x", 1)])
async def test_a_task_that_outlives_its_request_cannot_use_its_g(read: Callable[[], Any]) -> None:
    app = Quart(__name__)
    outcome: list[str] = []
    tasks = set()

    async def later() -> None:
        await asyncio.sleep(0.02)
        try:
            read()
        except ContextEndedError as error:
            outcome.append(str(error))

    @app.get("/")
    async def view() -> str:
        g.x = 1
        tasks.add(asyncio.create_task(later()))
        return ""

    await app.test_client().get("/")
    await asyncio.gather(*tasks)
    assert len(outcome) == 1
    assert "add_background_task" in outcome[0]


@pytest.mark.hazard("asyncio.create_task in a view shares the request's g")
async def test_stock_lets_it_use_what_is_closed() -> None:
    app = quart.Quart(__name__)
    seen = []

    async def later() -> None:
        await asyncio.sleep(0.02)
        seen.append(g.x)

    @app.get("/")
    async def view() -> str:
        g.x = "closed by now"
        app.background_tasks.add(asyncio.create_task(later()))
        return ""

    await app.test_client().get("/")
    await asyncio.gather(*app.background_tasks)
    assert seen == ["closed by now"]


@pytest.mark.feature("X1")
async def test_tasks_that_the_view_waits_for_share_its_contexts() -> None:
    app = Quart(__name__)

    async def part(number: int) -> str:
        return f"{request.path}{g.x}{number}"

    @app.get("/")
    async def view() -> str:
        g.x = "x"
        return " ".join(await asyncio.gather(part(1), part(2)))

    response = await app.test_client().get("/")
    assert await response.get_data(as_text=True) == "/x1 /x2"


@pytest.mark.feature("X1")
async def test_an_app_context_by_hand_and_the_error_outside() -> None:
    app = Quart(__name__)
    context = app.app_context()
    for _ in range(2):  # it may be entered again, with a g of its own
        async with context:
            assert current_app.name == app.name
            assert "x" not in g
            g.x = 1
    proxies: list[Any] = [current_app, g, request, session, websocket]
    for proxy in proxies:
        with pytest.raises(RuntimeError, match=r"[Nn]ot within"):
            _ = proxy.anything


@pytest.mark.feature("X2")
async def test_the_example_of_the_chapter_runs() -> None:
    example = await asyncio.to_thread(runpy.run_path, str(EXAMPLE))
    assert await example["main"]() == ["/0: user of /0", "/1: user of /1", "/2: user of /2"]


@pytest.mark.feature("X2")
async def test_the_example_keeps_tasks_and_threads_apart() -> None:
    example = await asyncio.to_thread(runpy.run_path, str(EXAMPLE))
    local = example["Local"]()
    local.x = "mine"

    async def other() -> str:
        assert local.x == "mine", "a task starts with a copy"
        local.x = "other"
        return str(local.x)

    assert await asyncio.create_task(other()) == "other"
    assert await asyncio.to_thread(lambda: local.x) == "mine"
    with pytest.raises(AttributeError, match="y"):
        _ = local.y
    with pytest.raises(RuntimeError, match="Not within a context"):
        _ = example["request"].path


@pytest.mark.feature("X2")
async def test_the_example_runs_as_a_program() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode().splitlines()[0] == "/0: user of /0"
