"""The ``mail`` commands, as an operator types them."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest
from click.testing import Result
from quart import Quart

from quarterdeck.mail import Message
from tests.smtp import MailServer

from .outbox_app import db, mail, make_app, place_order

pytestmark = pytest.mark.feature("E2")


@pytest.fixture(name="app")
def _app(tmp_path: Path, smtp: MailServer) -> Quart:
    """An app with two mails: one that was given up, and one that waits."""
    app = make_app(tmp_path, smtp.port)
    asyncio.run(_fill(app, smtp))
    return app


async def _fill(app: Quart, smtp: MailServer) -> None:
    async with app.app_context():
        await db.create_all()
        async with db.transaction():
            await mail.enqueue(Message("Hello", ["nobody@example.com"], "The text.", "<p>"))
        smtp.answers["RCPT"] = "550 unknown"
        await mail.relay.send_due()
        smtp.answers.clear()
        await place_order(7)
        await db.session.remove()
        await db.dispose()


def run(app: Quart, *words: str, code: int = 0, text: str | None = None) -> str:
    done: Result = app.test_cli_runner().invoke(args=["mail", *words], input=text)
    assert done.exit_code == code, done.output
    return done.output


def test_looking_and_sending(app: Quart, smtp: MailServer) -> None:
    dead, waiting = run(app, "list").splitlines()
    assert dead.startswith("1  dead  1 attempts")
    assert "nobody@example.com  Hello" in dead
    assert "550 unknown" in dead
    assert waiting.startswith("2  waiting  0 attempts")
    assert run(app, "list", "--dead").splitlines() == [dead]
    assert run(app, "list", "--waiting").splitlines() == [waiting]

    assert "The text." in run(app, "show", "1")
    assert "Subject: Hello\n" in run(app, "show", "1", "--source")
    assert "'9' is not the id of a mail" in run(app, "show", "9", code=1)

    assert run(app, "relay", "--once") == "1 mails are sent.\n"
    assert run(app, "retry") == "1 mails are due now. The relay sends them.\n"
    assert run(app, "relay", "--once") == "1 mails are sent.\n"
    assert run(app, "list") == "No mail.\n"
    assert [each.message["Subject"] for each in smtp.received] == ["Order 7", "Hello"]


def test_deleting(app: Quart) -> None:
    assert "Aborted" in run(app, "purge", code=1, text="n\n")
    assert run(app, "purge", text="y\n").endswith("1 mails are deleted.\n")
    assert run(app, "purge", "2", "--yes") == "1 mails are deleted.\n"


def test_the_relay_runs_until_it_is_ended(app: Quart, smtp: MailServer) -> None:
    def end() -> None:
        smtp.wait_for(1)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=end)
    thread.start()
    assert run(app, "relay").splitlines() == ["The relay is running.", "1 mails were sent."]
    thread.join()
