"""Plain decorators around async views run as their authors meant."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import update_wrapper, wraps
from typing import Any

import pytest
from quart import abort, current_app, g, request

from quarterdeck.app import Quart

var: ContextVar[str] = ContextVar("var", default="unset")
View = Callable[..., Any]


def timed(view: View) -> View:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        started = time.monotonic()
        try:
            return view(*args, **kwargs)
        finally:
            g.seconds = time.monotonic() - started

    return wrapper


def caught(view: View) -> View:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except LookupError as error:
            return f"caught {error}", 418

    return wrapper


def shouting(view: View) -> View:
    @wraps(view)
    def wrapper(*args: Any, loud: bool = True, **kwargs: Any) -> Any:
        text = view(*args, **kwargs)
        return text.upper() if loud else text

    return wrapper


def with_var(view: View) -> View:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        token = var.set("inside")
        try:
            return view(*args, **kwargs)
        finally:
            var.reset(token)

    return wrapper


def guarded(view: View) -> View:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if request.args.get("key") != "1":
            abort(403)
        return view(*args, **kwargs)

    return wrapper


def as_flask_advises(view: View) -> View:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return current_app.ensure_async(view)(*args, **kwargs)

    return wrapper


async def ask(app: Quart, path: str = "/") -> tuple[int, str]:
    response: Any = await app.test_client().get(path)
    return response.status_code, response.text


async def test_a_timer_measures_the_view() -> None:
    app = Quart(__name__)
    measured = []

    @app.get("/")
    @timed
    async def index() -> str:
        await asyncio.sleep(0.02)
        return "ok"

    @app.after_request
    async def note(response: Any) -> Any:
        measured.append(g.seconds)
        return response

    assert await ask(app) == (200, "ok")
    assert measured[0] >= 0.02


@pytest.mark.parametrize("decorate", [lambda view: caught(view), lambda view: timed(caught(view))])
async def test_an_exception_is_caught(decorate: Callable[[View], View]) -> None:
    app = Quart(__name__)

    @app.get("/<name>")
    @decorate
    async def index(name: str) -> str:
        await asyncio.sleep(0)
        raise LookupError(name)

    assert await ask(app, "/x") == (418, "caught x")


async def test_an_exception_of_the_wrapper_reaches_the_handlers() -> None:
    app = Quart(__name__)

    @app.get("/")
    @guarded
    @shouting
    async def index() -> str:
        return "ok"

    assert (await ask(app))[0] == 403
    assert await ask(app, "/?key=1") == (200, "OK")


async def test_the_view_keeps_its_task_and_sees_the_variables_of_the_wrapper() -> None:
    app = Quart(__name__)
    tasks = []

    @app.before_request
    async def note() -> None:
        tasks.append(asyncio.current_task())

    @app.get("/")
    @with_var
    async def index() -> str:
        await asyncio.sleep(0)
        tasks.append(asyncio.current_task())
        async with asyncio.timeout(1):
            await asyncio.sleep(0)
        return var.get()

    assert await ask(app) == (200, "inside")
    assert tasks[0] is tasks[1]
    assert var.get() == "unset"


async def test_a_wrapper_that_awaits_nothing_itself() -> None:
    app = Quart(__name__)

    @app.get("/")
    @as_flask_advises
    async def index() -> str:
        await asyncio.sleep(0)
        return "ok"

    assert await ask(app) == (200, "ok")


async def test_hooks_and_error_handlers_too() -> None:
    app = Quart(__name__)

    @app.before_request
    @caught
    async def before() -> None:
        raise LookupError("hook")

    app.add_url_rule("/", "index", lambda: "ok")
    assert await ask(app) == (418, "caught hook")


async def test_a_decorator_that_is_an_object_is_called_as_before() -> None:
    class Counted:
        def __init__(self, view: View) -> None:
            update_wrapper(self, view)
            self.view, self.calls = view, 0

        def __call__(self) -> Any:
            self.calls += 1
            return self.view()

    app = Quart(__name__)

    async def index() -> str:
        return "ok"

    counted = Counted(index)
    app.add_url_rule("/", "index", counted)
    assert await ask(app) == (200, "ok")
    assert counted.calls == 1


async def test_many_at_once_do_not_wait_for_each_other() -> None:
    """They hold more threads than the pool has, and their views need one of the pool too."""
    app = Quart(__name__)
    everyone = asyncio.Barrier(60)

    @app.get("/")
    @timed
    async def index() -> str:
        await everyone.wait()
        return await asyncio.to_thread(lambda: "ok")

    answers = await asyncio.gather(*(ask(app) for _ in range(60)))
    assert set(answers) == {(200, "ok")}


async def test_a_cancelled_request_ends_the_wrapper() -> None:
    app = Quart(__name__)
    ended = threading.Event()
    begun = asyncio.Event()

    def noted(view: View) -> View:
        @wraps(view)
        def wrapper() -> Any:
            try:
                return view()
            finally:
                ended.set()

        return wrapper

    @app.get("/")
    @noted
    async def index() -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    task = asyncio.create_task(ask(app))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert await asyncio.to_thread(ended.wait, 5)


async def test_a_wrapper_whose_request_has_ended_gets_no_view() -> None:
    app = Quart(__name__)
    go_on, outcome = threading.Event(), []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(view: View) -> View:
        @wraps(view)
        def wrapper() -> Any:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(5)
            try:
                return view()
            except asyncio.CancelledError:
                outcome.append("cancelled")
                loop.call_soon_threadsafe(finished.set)
                raise

        return wrapper

    finished = asyncio.Event()

    @app.get("/")
    @slow
    async def index() -> str:
        outcome.append("ran")
        return ""

    connection = app.ensure_async(app.view_functions["index"])
    task: asyncio.Task[Any] = asyncio.create_task(connection())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    go_on.set()
    await asyncio.wait_for(finished.wait(), 5)
    assert outcome == ["cancelled"]
