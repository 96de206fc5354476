"""Mail that is given up: the signal, and the figures of the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart

from quarterdeck._measurements import Measurement, measurements_of
from quarterdeck.mail import Envelope, email_failed
from tests.smtp import MailServer

from .outbox_app import db, mail, make_app, order_mail

pytestmark = pytest.mark.feature("E2")


@pytest.fixture(name="built")
def _built(tmp_path: Path, smtp: MailServer) -> Quart:
    return make_app(tmp_path, smtp.port)


@pytest.fixture
async def app(built: Quart) -> AsyncIterator[Quart]:
    async with built.app_context():
        await db.create_all()
        yield built
        await db.session.remove()
        await db.dispose()


async def enqueue(*numbers: int) -> None:
    async with db.transaction():
        for number in numbers:
            await mail.enqueue(order_mail(number))


async def test_receivers_learn_of_a_mail_that_is_given_up(app: Quart, smtp: MailServer) -> None:
    failed: list[tuple[Any, Envelope, str]] = []

    async def note(sender: Quart, *, envelope: Envelope, error: str) -> None:
        (dead,) = await mail.outbox.list(state="dead")
        assert dead.message_id == envelope.message_id
        failed.append((sender, envelope, error))

    smtp.answers["RCPT"] = "451 later"
    with email_failed.connected_to(note):
        await enqueue(1)
        await mail.relay.send_due()
        assert failed == []
        smtp.answers["RCPT"] = "550 never"
        (waiting,) = await mail.outbox.list()
        await mail.outbox.retry(waiting.id)
        await mail.relay.send_due()
    ((sender, envelope, error),) = failed
    assert sender is app
    assert envelope.recipients == ["customer1@example.com"]
    assert "550" in error


async def test_a_receiver_that_fails_does_not_stop_the_relay(
    app: Quart, smtp: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_sender: Quart, **_: Any) -> None:
        raise RuntimeError("broken")

    smtp.answers["RCPT"] = "550 never"
    with email_failed.connected_to(broken):
        await enqueue(1, 2)
        await mail.relay.send_due()
    assert len(await mail.outbox.list(state="dead")) == 2
    assert caplog.text.count("a receiver of 'email_failed' has failed") == 2


def outbox_figures(app: Quart) -> dict[str, Measurement]:
    return {each.name: each for each in measurements_of(app) if "outbox" in each.name}


async def test_the_outbox_is_counted(app: Quart, smtp: MailServer) -> None:
    assert outbox_figures(app) == {}, "no relay has looked"
    smtp.answers["RCPT"] = "550 never"
    await enqueue(1)
    await mail.relay.send_due()
    smtp.answers["RCPT"] = "451 later"
    await enqueue(2, 3)
    async with app.test_app(), asyncio.timeout(20):
        while not (found := outbox_figures(app)):  # noqa: ASYNC110 - of the relay
            await asyncio.sleep(0.01)
    assert found["mail_outbox_waiting"].value == 2
    assert found["mail_outbox_dead"].value == 1
    assert found["mail_outbox_oldest_seconds"].value >= 0
    assert all(each.is_shared and not each.is_counter for each in found.values())
