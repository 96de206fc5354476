"""Failures of jobs and of mail reach the administrators: by mail, and on the dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

import pytest
from quart import Quart

from quarterdeck.apscheduler import Outcome, Run
from quarterdeck.apscheduler.config import STATE
from quarterdeck.apscheduler.coordinator import Batch
from quarterdeck.apscheduler.events import RunEvent
from quarterdeck.mail import Message
from quarterdeck_crm.extensions import mail, scheduler
from quarterdeck_crm.jobs import tasks
from quarterdeck_crm.mail.alerts import tell_of_failed_job
from quarterdeck_crm.models import Role, User
from tests.crm.conftest import Auth, MakeUser
from tests.smtp import MailServer, mail_server

from .conftest import SENDS

pytestmark = pytest.mark.feature("E2", "SC4")

HOUR = datetime(2026, 11, 26, 14, tzinfo=UTC)


async def fail(app: Quart, minute: float, job: str = "clean_imports") -> None:
    """Let a run fail that was due some minutes after the hour."""
    due = HOUR + timedelta(minutes=minute)
    run = Run(job, due, Outcome.RUNNING, "host:1:a", started=due)
    ended = Run(job, due, Outcome.FAILED, "host:1:a", due, 0.1, 4, "OSError: <disk> full")
    async with app.app_context():
        coordinator = STATE.get().coordinator
        await coordinator.claim("host:1:a", None, [Batch([run], 9)])
        await coordinator.finish(ended)
        await tell_of_failed_job(RunEvent(ended, "default"))


async def test_a_failed_job_is_mailed_to_each_administrator_once_an_hour(
    app: Quart, admin: User, make_user: MakeUser, sent: list[Message]
) -> None:
    other = await make_user(Role.ADMIN, email="other@example.com")
    await make_user(Role.ADMIN, email="out@example.com", is_active=False)
    await make_user(Role.MODERATOR)
    for minute in (3, 20, 59):
        await fail(app, minute)
    await fail(app, 20, job="clean_sessions")
    await fail(app, 61)

    subjects = [message.subject for message in sent]
    assert subjects == [
        *["The job 'Remove files of old imports' has failed"] * 2,
        *["The job 'Remove expired browser sessions' has failed"] * 2,
        *["The job 'Remove files of old imports' has failed"] * 2,
    ]
    assert {message.recipients[0][1] for message in sent} == {admin.email, other.email}
    first = sent[0]
    assert "OSError: <disk> full" in (first.body or "")
    assert "OSError: &lt;disk&gt; full" in (first.html or "")
    assert "https://crm.example.com/desk/jobs/clean_imports" in (first.body or "")
    assert "after 4 attempts" in (first.body or "")


async def test_a_run_that_fails_is_told_by_the_scheduler(
    app: Quart, admin: User, sent: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> int:
        raise OSError("no space left")

    monkeypatch.setattr(tasks, "sweep", broken)
    async with app.app_context():
        with pytest.raises(OSError, match="no space left"):
            await scheduler.run_job("clean_imports")
        await scheduler.run_job("clean_idempotency_keys")
    assert [message.subject for message in sent] == [
        "The job 'Remove files of old imports' has failed"
    ]


async def test_the_dashboard_of_an_administrator_shows_failures(
    app: Quart, as_admin: Auth, as_moderator: Auth
) -> None:
    assert "failed at" not in await (await as_admin.get("/")).get_data(as_text=True)
    await fail(app, 3)
    page = await (await as_admin.get("/")).get_data(as_text=True)
    assert "The latest run of a job failed" in page
    assert "The latest run" not in await (await as_moderator.get("/")).get_data(as_text=True)
    await fail(app, 3, job="clean_sessions")
    assert "2 jobs failed" in await (await as_admin.get("/")).get_data(as_text=True)


class TestDeadMail:
    @pytest.fixture
    def smtp(self) -> Iterator[MailServer]:
        with mail_server() as server:
            yield server

    @pytest.fixture
    def settings(self, smtp: MailServer) -> dict[str, Any]:
        server = {"MAIL_BACKEND": "smtp", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": smtp.port}
        return SENDS | server

    async def test_the_first_in_an_hour_is_mailed(
        self, app: Quart, as_admin: Auth, admin: User, user: User, smtp: MailServer
    ) -> None:
        smtp.answers["RCPT"] = "550 unknown mailbox"
        for _ in range(2):
            await as_admin.post(f"/team/{user.id}/invite")
        async with app.app_context():
            await mail.relay.send_due()  # both die, and one notice is written
            assert [each.recipients for each in await mail.outbox.list(state="waiting")] in (
                [],  # the same round has sent the notice, which died as well
                [[admin.email]],
            )
            await mail.relay.send_due()
            dead = await mail.outbox.list(state="dead")
            assert [each.subject for each in dead] == [
                "Your invitation to Quarterdeck",
                "Your invitation to Quarterdeck",
                "A mail was not delivered",
            ]
            assert await mail.outbox.list(state="waiting") == []  # no notice about the notice

            smtp.answers.clear()
            await mail.outbox.retry(dead[-1].id)
            await mail.relay.send_due()
        (received,) = await asyncio.to_thread(smtp.wait_for, 1)
        assert received.recipients == [admin.email]
        assert message_from_bytes(received.content)["X-Quarterdeck-Alert"] == "yes"

        page = await (await as_admin.get("/")).get_data(as_text=True)
        assert "2 mails were not delivered" in page


class TestWithoutMail:
    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {}

    async def test_nothing_is_written(self, app: Quart, admin: User) -> None:
        await fail(app, 3)
        async with app.app_context():
            assert await mail.outbox.list() == []
