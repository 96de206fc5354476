"""A mail that is not awaited is an error: Python itself would only warn."""

from __future__ import annotations

import asyncio

import pytest
from quart import Quart as Stock
from quart import websocket

from quarterdeck.app import Quart
from quarterdeck.exceptions import NotAwaitedError
from quarterdeck.mail import Mail, Message

pytestmark = pytest.mark.feature("E1")

HERE = r"test_unawaited\.py:\d+"


@pytest.fixture(params=[Quart, Stock])
def app(request: pytest.FixtureRequest) -> Stock:
    app: Stock = request.param(__name__)
    app.config.update(
        MAIL_BACKEND="memory", MAIL_DEFAULT_SENDER="a@example.com", PROPAGATE_EXCEPTIONS=True
    )
    return app


@pytest.fixture
def mail(app: Stock) -> Mail:
    return Mail(app)


def hello() -> Message:
    return Message("Hello", ["b@example.com"], "Hello")


async def test_a_request_fails(app: Stock, mail: Mail) -> None:
    @app.get("/")
    async def index() -> str:
        mail.send(hello())  # type: ignore[unused-coroutine]
        return "sent"

    with pytest.raises(NotAwaitedError, match=rf"^'mail\.send\(\)' at .*{HERE} did nothing"):
        await app.test_client().get("/")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert (await app.test_client().get("/")).status_code == 500
    async with app.app_context():
        assert mail.messages == []


@pytest.mark.parametrize("name", ["send_message", "send"])
async def test_a_connection_too(app: Stock, mail: Mail, name: str) -> None:
    async with app.app_context(), mail.connect() as connection:
        with pytest.raises(NotAwaitedError, match=rf"'connection\.{name}\(\)' at"):
            assert not getattr(connection, name)(hello())


async def test_a_command_or_a_job_fails(app: Stock, mail: Mail) -> None:
    with pytest.raises(NotAwaitedError, match=r"'mail\.send_message\(\)'"):
        async with app.app_context():
            mail.send_message("Hello", ["b@example.com"])  # type: ignore[unused-coroutine]
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with app.app_context():
            mail.send(hello())  # type: ignore[unused-coroutine]
            raise ZeroDivisionError


async def test_a_websocket_that_ends_fails(
    app: Stock, mail: Mail, caplog: pytest.LogCaptureFixture
) -> None:
    @app.websocket("/ws")
    async def ws() -> None:
        mail.send(hello())  # type: ignore[unused-coroutine]
        await websocket.send("sent")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    failed = []
    try:
        async with app.test_client().websocket("/ws") as client:
            await client.receive()
    except NotAwaitedError as error:
        failed.append(error)
    assert failed or "NotAwaitedError" in caplog.text


async def test_tasks_of_calls_send(app: Stock, mail: Mail) -> None:
    """However they were begun, also if the view ends before they run."""
    tasks: set[asyncio.Task[None]] = set()

    @app.get("/")
    async def index() -> str:
        tasks.add(asyncio.create_task(mail.send(hello())))
        app.add_background_task(mail.send, hello())
        app.add_background_task(mail.send_message, "Hello", ["c@example.com"])
        return "sent"

    assert (await app.test_client().get("/")).status_code == 200
    await asyncio.gather(*tasks, *app.background_tasks)
    async with app.app_context():
        assert len(mail.messages) == 3


async def test_without_an_app_it_is_a_coroutine(mail: Mail) -> None:
    call = mail.send(hello())
    assert asyncio.iscoroutine(call)
    call.close()
