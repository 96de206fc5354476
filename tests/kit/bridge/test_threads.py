"""Threads, code outside of any event loop, and code that blocks one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.security import generate_password_hash

from quarterdeck._state import close_extensions
from quarterdeck.bridge import (
    BridgeError,
    Thread,
    clear_waits,
    drive,
    in_bridge,
    report_waits,
    run,
    wait,
    waits,
)
from quarterdeck.bridge.flask import Flask, current_app, g
from quarterdeck.bridge.waiting import outside

from .blog import User, db
from .conftest import inside


@inside
def test_a_thread_has_the_app_and_a_db_session_of_its_own(app: Flask) -> None:
    found: list[Any] = []

    def work(name: str) -> None:
        found.append((current_app.name, hasattr(g, "mark")))
        found.append((User.query.count(), db.session()))
        found.append(name)

    async def async_work() -> None:
        found.append(await User.query.count())

    with app.test_request_context("/"):
        g.mark = True
        own = db.session()
        for target, args in ((work, ("x",)), (async_work, ())):
            thread = Thread(target=target, args=args)
            thread.start()
            wait(asyncio.to_thread(thread.join))

    assert found[0] == (app.name, False)
    assert found[1][0] == found[3] == 2
    assert found[1][1] is not own
    assert found[2] == "x"


def _in_a_thread(work: Callable[[], Any]) -> Any:
    """Call a function in a thread in which no event loop runs, as a script is called."""
    results: list[Any] = []

    def call() -> None:
        try:
            results.append(work())
        finally:
            outside.close()

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    return results[0]


def test_a_script_waits_on_a_loop_of_its_thread(made: Flask) -> None:
    made.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"

    def script() -> Any:
        context = made.app_context()
        context.push()
        db.create_all()
        db.session.add(User(name="Ada"))
        db.session.commit()
        found = User.query.count(), run(lambda: User.query.one().titles), in_bridge()
        context.pop()
        wait(_close(made))
        return *found, bool(current_app)

    assert _in_a_thread(script) == (1, [], False, False)


async def _close(app: Flask) -> None:
    await close_extensions(app)


async def test_a_task_outside_of_the_bridge_is_told_what_to_do(app: Flask) -> None:
    def count() -> int:
        return int(User.query.count())

    def task() -> Any:
        return wait(asyncio.sleep(0, "done"))

    async def call() -> Any:
        return task()

    with pytest.raises(BridgeError, match=r"Write 'await'.*or start the task with"):
        await asyncio.create_task(call())
    assert await asyncio.create_task(drive(call())) == "done"


async def test_waits_of_tasks_go_on_side_by_side_and_can_be_cancelled() -> None:
    order: list[str] = []
    first, second = asyncio.Event(), asyncio.Event()

    def plain(name: str, event: asyncio.Event) -> None:
        try:
            wait(event.wait())
        finally:
            order.append(name)

    async def call(name: str, event: asyncio.Event) -> None:
        plain(name, event)

    tasks = [
        asyncio.create_task(drive(call("first", first))),
        asyncio.create_task(drive(call("second", second))),
        asyncio.create_task(drive(call("third", asyncio.Event()))),
    ]
    await asyncio.sleep(0)
    second.set()
    await tasks[1]
    tasks[2].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[2]
    first.set()
    await tasks[0]
    assert order == ["second", "third", "first"]


async def test_a_blocking_call_is_named(
    app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.debug = True
    app.config["BRIDGE_BLOCKING_SECONDS"] = 0.02

    @app.get("/hash")
    def hashed() -> str:
        generate_password_hash("secret", "pbkdf2:sha256:300000")
        return "done"

    clear_waits()
    heard, loop = asyncio.Event(), asyncio.get_running_loop()
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda _record: loop.call_soon_threadsafe(heard.set))
    logger = logging.getLogger("quarterdeck.bridge")
    logger.addHandler(handler)
    try:
        await app.test_client().get("/hash")
        async with asyncio.timeout(10):
            await heard.wait()
    finally:
        logger.removeHandler(handler)

    (found,) = [each for each in waits() if each.kind == "blocking"]
    assert found.what == "werkzeug.security.generate_password_hash"
    assert found.function.endswith("hashed")
    assert found.seconds >= 0.02
    assert "test_threads.py" in caplog.text
    assert "in_thread" in caplog.text
    assert "blocking werkzeug.security.generate_password_hash" in report_waits()
