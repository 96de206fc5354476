"""The outbox: mail leaves after the commit, whatever the mail server does meanwhile."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from quart import Quart
from sqlalchemy import event, text

from quarterdeck._measurements import measurements_of
from quarterdeck.exceptions import (
    InvalidAddressError,
    OutboxMailNotFoundError,
    OutboxMissingError,
    TemporaryDeliveryError,
)
from quarterdeck.mail import Mail, Message
from quarterdeck.mail.outbox import OutboxMail
from tests import databases
from tests.smtp import MailServer, Received, mail_server

from .outbox_app import Order, db, mail, make_app, order_mail, place_order

pytestmark = pytest.mark.feature("E2")
LONG = 3600.0
T = TypeVar("T")


@pytest.fixture(name="built")
def _built(tmp_path: Path, smtp: MailServer, request: pytest.FixtureRequest) -> Quart:
    return make_app(tmp_path, smtp.port, **getattr(request, "param", {}))


@pytest.fixture
async def app(built: Quart) -> AsyncIterator[Quart]:
    """An app with tables, which does not serve: no relay runs by itself."""
    async with built.app_context():
        await db.create_all()
        yield built
        await db.session.remove()
        await db.dispose()


@pytest.fixture
async def serving(app: Quart) -> AsyncIterator[Quart]:
    """The app with the relay of its process."""
    async with app.test_app():
        yield app


async def arrived(smtp: MailServer, count: int) -> list[Received]:
    return await asyncio.to_thread(smtp.wait_for, count)


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    """Look until there is something: no event tells of what a relay does to the table."""
    async with asyncio.timeout(30):
        while not (found := await look()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return found


async def until_status(waiting: int, dead: int) -> None:
    """Wait until the outbox holds so much; the relay changes it after the server has answered."""

    async def look() -> bool:
        status = await mail.outbox.status()
        return (status.waiting, status.dead) == (waiting, dead)

    await until(look)


def ids(received: list[Received]) -> Counter[str]:
    return Counter(str(each.message["Message-ID"]) for each in received)


# --- the transaction of the caller ----------------------------------------------------


async def test_mail_leaves_after_the_commit(app: Quart, smtp: MailServer) -> None:
    message = order_mail(bcc=["archive@example.com"])
    with mail.record_messages() as recorded:
        async with db.transaction() as session:
            session.add(Order(name="one"))
            await mail.enqueue(message)
            async with db.new_session() as other:
                assert (await mail.outbox.status()).waiting == 0
                assert await other.get(Order, 1) is None
            assert recorded == []
        assert recorded == [message]

    (waiting,) = await mail.outbox.list()
    assert (waiting.state, waiting.subject, waiting.attempts) == ("waiting", "Order 1", 0)
    assert smtp.received == []
    assert await mail.relay.send_due() == 1
    (received,) = smtp.received
    assert received.recipients == ["customer1@example.com", "archive@example.com"]
    assert received.message["Message-ID"] == message.msgId
    assert b"archive" not in received.content
    assert await mail.outbox.list() == []


async def test_a_rollback_takes_the_mail_along(app: Quart) -> None:
    with mail.record_messages() as recorded:
        with suppress(ZeroDivisionError):
            async with db.transaction():
                await mail.enqueue(order_mail())
                raise ZeroDivisionError
        async with db.transaction() as session:
            await mail.enqueue(order_mail(2))
            with suppress(ZeroDivisionError):
                async with session.begin_nested():
                    await mail.enqueue(order_mail(3))
                    raise ZeroDivisionError
    assert [each.subject for each in await mail.outbox.list()] == ["Order 2"]
    assert [message.subject for message in recorded] == ["Order 2"]


async def test_a_session_of_ones_own(app: Quart) -> None:
    async with db.new_session() as session, session.transaction():
        await mail.enqueue(order_mail(), session=session)
    assert len(await mail.outbox.list()) == 1


async def test_a_wrong_message_is_refused_at_once(app: Quart) -> None:
    with pytest.raises(InvalidAddressError):
        await mail.enqueue(Message("s", ["nobody"]))


async def test_without_a_database() -> None:
    app = Quart(__name__)
    other = Mail(app)
    async with app.app_context():
        with pytest.raises(OutboxMissingError, match=r"Mail\(db=db\)"):
            await other.enqueue(order_mail(sender="a@example.com"))
        with pytest.raises(OutboxMissingError):
            _ = other.relay
    assert "mail" not in app.cli.commands


def test_migrations_see_the_table() -> None:
    assert "mail_outbox" in db.metadata.tables


# --- the relay of the serving process -------------------------------------------------


async def test_the_relay_of_the_process_sends_it(serving: Quart, smtp: MailServer) -> None:
    for number in range(25):
        await place_order(number)
    assert set(ids(await arrived(smtp, 25)).values()) == {1}
    await until_status(0, 0)
    assert mail.counts.sent == 25


async def test_mail_of_another_process_is_found(serving: Quart, smtp: MailServer) -> None:
    """No commit of this process wakes the relay."""
    async with db.engine.begin() as connection:
        await mail.outbox.add(connection, order_mail().envelope())
    await arrived(smtp, 1)


async def test_tables_that_are_made_after_the_start(
    built: Quart, smtp: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The relay begins before 'before_serving' functions that make the tables."""

    async def complained() -> bool:
        return "the outbox cannot be read yet." in caplog.text

    async with built.app_context():
        await db.create_database()
        async with built.test_app():
            await until(complained)
            assert "Traceback" not in caplog.text
            await db.create_all()
            await place_order()
            await arrived(smtp, 1)
            await until_status(0, 0)
        await db.session.remove()
        await db.dispose()


@pytest.mark.parametrize("built", [{"MAIL_OUTBOX_RELAY": False}], indirect=True)
async def test_a_process_without_a_relay(serving: Quart, smtp: MailServer) -> None:
    await place_order()
    assert mail.relay._task is None
    assert (await mail.outbox.status()).waiting == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_refused_for_now_and_taken_later(serving: Quart, smtp: MailServer, step: str) -> None:
    smtp.answers[step] = "451 try again later"
    await place_order()
    await asyncio.to_thread(smtp.wait_for_trouble, 3)
    smtp.answers.clear()

    received = await arrived(smtp, 1)
    await until_status(0, 0)
    assert len(received) == len(smtp.received) == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_refused_for_good(serving: Quart, smtp: MailServer, step: str) -> None:
    """It is kept with the reason, others arrive, and it can be sent again."""
    smtp.answers[step] = "550 no such thing"
    await place_order(1)
    await until_status(0, 1)
    smtp.answers.clear()
    await place_order(2)
    assert [each.message["Subject"] for each in await arrived(smtp, 1)] == ["Order 2"]

    (dead,) = await mail.outbox.list(state="dead")
    assert (dead.state, dead.attempts) == ("dead", 1)
    assert "550 no such thing" in dead.error
    assert len(smtp.troubled) == 1

    assert await mail.outbox.retry(dead.id) == 1
    assert len(await arrived(smtp, 2)) == 2
    await until_status(0, 0)


async def test_only_the_refused_recipients_get_it_again(serving: Quart, smtp: MailServer) -> None:
    smtp.refused["busy@example.com"] = "450 busy"
    smtp.refused["unknown@example.com"] = "550 unknown"
    people = [f"{name}@example.com" for name in ("right", "busy", "unknown")]
    async with db.transaction():
        await mail.enqueue(Message("s", people))
    await arrived(smtp, 1)
    del smtp.refused["busy@example.com"]
    received = await arrived(smtp, 2)
    await until_status(0, 1)

    assert [each.recipients for each in received] == [["right@example.com"], ["busy@example.com"]]
    (dead,) = await mail.outbox.list()
    assert dead.recipients == ["unknown@example.com"]


@pytest.mark.parametrize("built", [{"MAIL_OUTBOX_GIVE_UP_SECONDS": 0}], indirect=True)
async def test_refused_for_too_long(
    serving: Quart, smtp: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    smtp.answers["DATA"] = "451 later"
    await place_order()
    await until_status(0, 1)
    assert "given up" in "".join(r.message for r in caplog.records if r.levelno == logging.ERROR)
    measured = {
        each.name: each.value
        for each in measurements_of(serving)
        if each.name.startswith("mail_") and each.is_counter
    }
    assert measured == {"mail_sent": 0, "mail_retried": 0, "mail_dead": 1, "mail_outages": 0}


async def test_a_connection_that_breaks_after_the_text(serving: Quart, smtp: MailServer) -> None:
    smtp.answers["DATA"] = "drop"
    for number in range(3):
        await place_order(number)
    await asyncio.to_thread(smtp.wait_for_trouble, 3)
    smtp.answers.clear()
    assert set(ids(await arrived(smtp, 3)).values()) == {1}
    await until_status(0, 0)
    assert len(smtp.received) == 3


async def test_accepted_but_not_said(serving: Quart, smtp: MailServer) -> None:
    """The only way to a second copy; it has the same Message-ID."""
    smtp.answers["DATA"] = "drop-after"
    await place_order()
    await asyncio.to_thread(smtp.wait_for_trouble)
    smtp.answers.clear()
    received = await arrived(smtp, 2)
    assert len(ids(received)) == 1
    await until_status(0, 0)


@pytest.mark.parametrize("built", [{"MAIL_TIMEOUT": 30}], indirect=True)
async def test_no_order_waits_for_a_silent_server(serving: Quart, smtp: MailServer) -> None:
    smtp.answers["MAIL"] = "silence"
    async with asyncio.timeout(20):
        await place_order()
        await place_order()
    await asyncio.to_thread(smtp.wait_for_trouble)
    smtp.stop()
    smtp.answers.clear()
    smtp.start()
    await arrived(smtp, 2)


@pytest.mark.parametrize("built", [{"MAIL_TIMEOUT": 0.3}], indirect=True)
async def test_the_relay_gives_up_a_silent_server(serving: Quart, smtp: MailServer) -> None:
    smtp.answers["MAIL"] = "silence"
    await place_order()
    await asyncio.to_thread(smtp.wait_for_trouble, 2)
    smtp.answers.clear()
    await arrived(smtp, 1)


async def test_a_server_that_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An outage is no fault of a message: no attempts are counted, and none is given up."""

    async def with_errors() -> list[OutboxMail]:
        return [each for each in await mail.outbox.list() if each.error]

    with mail_server() as server:
        app = make_app(tmp_path, server.port, MAIL_OUTBOX_GIVE_UP_SECONDS=0)
        async with app.app_context():
            await db.create_all()
            await asyncio.to_thread(server.stop)
            async with app.test_app():
                for number in range(30):
                    await place_order(number)
                waiting = await until(with_errors)
                assert {each.attempts for each in waiting} == {0}
                server.start()
                assert set(ids(await arrived(server, 30)).values()) == {1}
                await until_status(0, 0)
            await db.dispose()
    assert "No mail is sent for" in caplog.text


async def test_stopping_leaves_the_rest_to_others(app: Quart, smtp: MailServer) -> None:
    """A relay that stops gives its claims back at once."""
    smtp.answers["DATA"] = "451 later"
    async with app.test_app():
        for number in range(30):
            await place_order(number)
        await asyncio.to_thread(smtp.wait_for_trouble)
    smtp.answers.clear()
    async with app.test_app():
        assert set(ids(await arrived(smtp, 30)).values()) == {1}
        await until_status(0, 0)


# --- claims ---------------------------------------------------------------------------


async def test_several_relays_share_the_work(app: Quart, smtp: MailServer) -> None:
    async with db.transaction():
        for number in range(60):
            await mail.enqueue(order_mail(number))
    relays = [type(mail.relay)(*_parts(app)) for _ in range(3)]

    sent = await asyncio.gather(*(relay.send_due() for relay in relays))

    assert sum(sent) == 60
    assert set(ids(smtp.received).values()) == {1}
    assert (await mail.outbox.status()).waiting == 0


def _parts(app: Quart) -> tuple[Any, ...]:
    relay = mail.relay
    return app, mail.state, relay._outbox, relay._settings


async def test_a_claim_ends_with_its_lease(app: Quart, smtp: MailServer) -> None:
    """What a killed relay had claimed is sent by the next one, and it cannot interfere."""
    await place_order()
    (claim,) = await mail.outbox.claim("killed", limit=10, lease=LONG)
    assert await mail.outbox.claim("other", limit=10, lease=LONG) == []
    assert await mail.outbox.renew(claim, lease=0)
    taken = await mail.outbox.claim("other", limit=10, lease=LONG)

    assert not await mail.outbox.renew(claim, lease=LONG)
    await mail.outbox.put_back(claim, is_dead=True)
    await mail.outbox.remove(claim)
    assert await mail.outbox.renew(taken[0], lease=LONG)
    await mail.outbox.remove(taken[0])
    assert await mail.outbox.list() == []


async def test_a_database_that_fails_after_the_server_has_accepted(
    app: Quart, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay remembers it, and does not send it again."""
    await place_order()
    remove = mail.outbox.remove

    async def fail(_claim: Any) -> None:
        raise OSError("the database is down")

    monkeypatch.setattr(mail.outbox, "remove", fail)
    with pytest.raises(OSError, match="down"):
        await mail.relay.send_due()
    monkeypatch.setattr(mail.outbox, "remove", remove)
    assert await mail.relay.send_due() == 0
    assert len(smtp.received) == 1
    assert await mail.outbox.list() == []


@pytest.mark.parametrize("built", [{"MAIL_PORT": 1}], indirect=True)
async def test_a_command_hears_of_an_outage(app: Quart) -> None:
    await place_order()
    with pytest.raises(TemporaryDeliveryError):
        await mail.relay.send_due()
    (waiting,) = await mail.outbox.list()
    assert "Try again later" in waiting.error
    assert await mail.outbox.claim("other", limit=10, lease=LONG)


async def test_one_mail_and_its_administration(app: Quart) -> None:
    for number in range(3):
        await place_order(number)
    first, second, third = await mail.outbox.list()
    assert await mail.outbox.list(limit=1, after=first.id) == [second]
    assert await mail.outbox.list(state="dead") == []
    listed, envelope = await mail.outbox.get(third.id)
    assert (listed, envelope.subject) == (third, "Order 2")

    assert await mail.outbox.purge(first.id) == 1
    for number in (first.id, 10**20):  # no column holds the second one
        assert await mail.outbox.list(after=10**20) == []
        for missing in (mail.outbox.purge, mail.outbox.retry, mail.outbox.get):
            with pytest.raises(OutboxMailNotFoundError, match=f"'{number}'"):
                await missing(number)
    status = await mail.outbox.status()
    assert (status.waiting, status.dead) == (2, 0)
    assert status.oldest >= 0

    (claim, _) = await mail.outbox.claim("relay", limit=10, lease=LONG)
    with pytest.raises(OutboxMailNotFoundError):
        await mail.outbox.purge(claim.id)
    await mail.outbox.put_back(claim, is_dead=True, error="no")
    assert (await mail.outbox.retry(), await mail.outbox.purge()) == (1, 0)


async def test_the_relay_logs_a_broken_table_once_and_goes_on(
    serving: Quart, smtp: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "quarterdeck.mail")
    rename = "ALTER TABLE mail_outbox RENAME COLUMN {} TO {}"

    def lines(words: str) -> list[logging.LogRecord]:
        return [each for each in caplog.records if words in each.getMessage()]

    async def has_failed_often() -> bool:
        return len(errors) > 4

    errors: list[object] = []
    event.listen(db.engine.sync_engine, "handle_error", errors.append)
    await db.session.execute(text(rename.format("due", "kept")))
    await db.session.commit()
    await until(has_failed_often)
    await db.session.execute(text(rename.format("kept", "due")))
    await db.session.commit()
    await place_order()

    async def works_again() -> bool:
        return bool(lines("The mail relay works again"))

    await arrived(smtp, 1)
    await until(works_again)
    (failure,) = lines("The mail relay does not work")
    assert failure.exc_info is not None


# --- kill -9 --------------------------------------------------------------------------


def _start(word: str, folder: Path, smtp: MailServer) -> subprocess.Popen[str]:
    """Start a process and wait until it has committed or serves."""
    words = [word, str(folder), databases.uri(folder), str(smtp.port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kit.mail.outbox_app", *words],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


async def test_kill_9(app: Quart, tmp_path: Path, smtp: MailServer) -> None:
    """Between commit and send, and during send."""
    await asyncio.to_thread(_kill_and_restart, tmp_path, smtp)


def _kill_and_restart(folder: Path, smtp: MailServer) -> None:
    _kill(_start("enqueue", folder, smtp))
    assert smtp.received == []
    smtp.answers["DATA"] = "silence"
    relay = _start("relay", folder, smtp)
    smtp.wait_for_trouble()
    _kill(relay)
    smtp.answers.clear()
    relay = _start("relay", folder, smtp)
    try:
        assert sorted(ids(smtp.wait_for(3)).values()) == [1, 1, 1]
    finally:
        _kill(relay)
