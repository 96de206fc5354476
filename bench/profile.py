"""Where the time of one page of the CRM goes, in one process and without a server.

Run ``python -m bench.profile [PAGE]``; the page is ``/orders/`` by default. The database is that
of ``bench.orders``: 10,000 orders on SQLite. Each figure is for one request; times are CPU
microseconds of the whole process, the thread of the database included.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import jinja2
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bench import orders
from quarterdeck.login import session_data
from quarterdeck.testing import TestClient
from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import User

WARM = 30
ROUNDS, REQUESTS = 7, 40


class Counted:
    """Counts and times of the parts of a request."""

    def __init__(self) -> None:
        self.statements = self.hops = self.tasks = 0
        self.template = 0.0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count in the block, with hooks that cost time of their own."""
        loop = asyncio.get_running_loop()
        render, call_threadsafe = jinja2.Template.render, loop.call_soon_threadsafe

        def count(*_: Any) -> None:
            self.statements += 1

        def count_hop(*args: Any, **options: Any) -> Any:
            self.hops += 1
            return call_threadsafe(*args, **options)

        def count_task(loop: Any, coroutine: Any, **options: Any) -> Any:
            self.tasks += 1
            return asyncio.Task(coroutine, loop=loop, **options)

        @wraps(render)
        def timed(template: Any, *args: Any, **values: Any) -> str:
            begun = time.thread_time()
            try:
                return render(template, *args, **values)
            finally:
                self.template += time.thread_time() - begun

        event.listen(Engine, "before_cursor_execute", count)
        loop.call_soon_threadsafe = count_hop  # type: ignore[assignment,method-assign]
        loop.set_task_factory(count_task)
        jinja2.Template.render = timed  # type: ignore[assignment,method-assign]
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", count)
            loop.call_soon_threadsafe = call_threadsafe  # type: ignore[method-assign]
            loop.set_task_factory(None)
            jinja2.Template.render = render  # type: ignore[method-assign]


class Request:
    """One GET, ready to be asked again and again without a client in between."""

    def __init__(self, app: Any, path: str, cookie: str) -> None:
        self.app = app
        path, _, query = path.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "client": ("127.0.0.1", 5), "server": ("x", 80),
            "headers": [(b"host", b"localhost"), (b"cookie", cookie.encode())],
            "extensions": {}, "state": {},
        }  # fmt: skip

    async def ask(self) -> tuple[int, int]:
        """Return the status and the number of bytes."""
        answer = [0, 0]

        async def receive() -> Any:
            if answer[1] >= 0 and not received:
                received.append(1)
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            answer[0] = message.get("status", answer[0])
            answer[1] += len(message.get("body", b""))

        received: list[int] = []
        await self.app({**self.scope}, receive, send)
        return answer[0], answer[1]


async def measure(app: Any, path: str) -> None:
    async with app.test_app():
        cookie = await sign_in(app)
        request = Request(app, path, cookie)
        for _ in range(WARM):
            status, size = await request.ask()
        print(f"{path}: status {status}, {size:,} bytes")
        gc.collect()
        gc.freeze()
        times = [await cpu(request) for _ in range(ROUNDS)]
        report("CPU, median", statistics.median(times), "us")
        report("CPU, lowest", min(times), "us")
        counted = Counted()
        with counted.counting():
            for _ in range(REQUESTS):
                await request.ask()
        report("statements", counted.statements / REQUESTS)
        report("hand-overs from threads", counted.hops / REQUESTS)
        report("tasks", counted.tasks / REQUESTS)
        report("template", counted.template / REQUESTS * 1e6, "us")
        profile = cProfile.Profile()
        profile.enable()
        for _ in range(REQUESTS):
            await request.ask()
        profile.disable()
        calls = sum(entry.callcount for entry in profile.getstats())
        report("calls", calls / REQUESTS)
        if os.environ.get("FUNCTIONS"):
            import pstats

            pstats.Stats(profile).sort_stats(os.environ["FUNCTIONS"]).print_stats(60)


async def cpu(request: Request) -> float:
    begun = time.process_time()
    for _ in range(REQUESTS):
        await request.ask()
    return (time.process_time() - begun) / REQUESTS * 1e6


async def sign_in(app: Any) -> str:
    """Return the cookies of a browser in which the user of ``bench.orders`` has signed in."""
    client: TestClient = app.test_client()
    async with app.app_context():
        user = await db.session.get_one(User, 1)
        async with client.session_transaction() as session:
            session.update(session_data(user))
    await client.get(orders.PATH)
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookie_jar or ())


def report(name: str, value: float, unit: str = "") -> None:
    print(f"  {name:28}{value:10,.0f} {unit}")


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else orders.PATH
    with orders.filled() as settings:
        os.environ.update(settings)
        app = create_app("production", SESSION_TYPE="null")
        asyncio.run(measure(app, path))


if __name__ == "__main__":
    main()
