"""The scheduled jobs of the CRM: their work, their pages, their API."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import func, select, update

from quarterdeck.apscheduler import Outcome, Run
from quarterdeck.apscheduler.config import STATE
from quarterdeck.apscheduler.coordinator import Batch
from quarterdeck_crm.attachments.storage import attachment_folder
from quarterdeck_crm.extensions import db, scheduler, sessions
from quarterdeck_crm.jobs.schedules import Schedule
from quarterdeck_crm.models import (
    Activity,
    AuditAction,
    AuditEvent,
    IdempotencyKey,
    Order,
    OrderState,
    Scope,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.tokens.services import create_token

from .conftest import Auth
from .trading import Trade

pytestmark = pytest.mark.feature("SC4")

PAGE = Path(__file__).parents[2] / "docs" / "running.md"

JOBS = {
    "clean_sessions": "Every day at 03:10",
    "clean_idempotency_keys": "Every hour at :20",
    "clean_imports": "Every hour at :40",
    "clean_attachments": "Every day at 03:40",
    "clean_history": "Every Sunday at 04:00",
    "clean_audit": "Every day at 04:10",
    "clean_notifications": "Every day at 04:20",
    "check_sums": "Every day at 04:30",
    "note_waiting": "Monday to Friday at 07:00",
    "mail_daily": "Every day at 07:30",
    "remind": "Every minute",
}


async def run(app: Quart, job: str) -> None:
    """Run a job and wait until it has ended."""
    async with app.app_context():
        await scheduler.run_job(job)


async def page(auth: Auth, path: str) -> str:
    """Return the words of a page."""
    response = await auth.get(path)
    assert response.status_code == 200
    return unescape(await response.get_data(as_text=True))


def test_the_docs_have_a_row_for_each_job() -> None:
    chapter = PAGE.read_text("utf-8").partition("\n## Jobs\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", chapter, re.M)) == set(JOBS)


# --- their work -------------------------------------------------------------------


async def test_old_idempotency_keys_go(app: Quart, user: User) -> None:
    async with app.app_context(), db.transaction() as session:
        for number, age in enumerate((-1, 1)):
            session.add(
                IdempotencyKey(
                    user_id=user.id,
                    key_digest=f"{number:064}",
                    request_digest="",
                    status=200,
                    body="",
                    expires_at=utc_now() + timedelta(hours=age),
                )
            )
    await run(app, "clean_idempotency_keys")
    async with app.app_context():
        left = await db.session.scalars(select(IdempotencyKey.key_digest))
        assert list(left) == [f"{1:064}"]


async def test_old_sessions_go(app: Quart, auth: Auth, user: User) -> None:
    await run(app, "clean_sessions")
    async with app.app_context():
        assert len(await sessions.find(user.id)) == 1, "it has not expired"


async def test_old_imports_go(app: Quart, tmp_path: Path) -> None:
    for name, age in (("old", 2), ("new", 0)):
        folder = tmp_path / "imports" / name
        folder.mkdir(parents=True)
        then = time.time() - age * 24 * 3600
        os.utime(folder, (then, then))
    await run(app, "clean_imports")
    assert [each.name for each in (tmp_path / "imports").iterdir()] == ["new"]


async def test_files_without_a_row_go(app: Quart) -> None:
    await run(app, "clean_attachments")  # there is no folder yet
    async with app.app_context():
        folder = attachment_folder()
    path = folder / "ab" / f"ab{'0' * 30}.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    with pytest.raises(Exception, match="the database names none"):
        await run(app, "clean_attachments")
    assert path.exists()
    async with app.app_context():
        (failed, done) = await scheduler.get_runs("clean_attachments")
        assert (failed.outcome, done.outcome) == (Outcome.FAILED, Outcome.SUCCEEDED)


@pytest.mark.parametrize(("settings", "left"), [({}, 2), ({"HISTORY_DAYS": 30}, 1)])
async def test_old_history_goes_if_asked_for(app: Quart, trade: Trade, left: int) -> None:
    async with app.app_context(), db.transaction() as session:
        for days in (31, 29):
            at = utc_now() - timedelta(days=days)
            session.add(Activity(at=at, subject_type="order", subject_id=1, action="confirmed"))
    await run(app, "clean_history")
    async with app.app_context():
        assert await db.session.scalar(select(func.count()).select_from(Activity)) == left


async def test_old_events_of_the_audit_log_go(app: Quart) -> None:
    async with app.app_context(), db.transaction() as session:
        for days in (366, 364):
            at = utc_now() - timedelta(days=days)
            session.add(AuditEvent(at=at, action=AuditAction.SIGNED_IN, actor=str(days)))
    await run(app, "clean_audit")
    async with app.app_context():
        assert list(await db.session.scalars(select(AuditEvent.actor))) == ["364"]


async def test_waiting_orders_are_noted_once(app: Quart, auth: Auth, trade: Trade) -> None:
    goods = await trade.good()
    orders = [await trade.order((goods, 1), state=OrderState.CONFIRMED) for _ in range(2)]
    long_ago = utc_now() - timedelta(days=15)
    async with app.app_context(), db.transaction() as session:
        old = update(Order).where(Order.id == orders[0].id).values(updated_at=long_ago)
        await session.execute(old)

    for _ in range(2):
        await run(app, "note_waiting")

    async with app.app_context():
        noted = select(Activity).where(Activity.action == "waiting")
        (entry,) = (await db.session.scalars(noted)).all()
    assert (entry.subject_id, entry.changes) == (orders[0].id, {"days": [None, 15]})
    shown = await page(auth, f"/orders/{orders[0].id}")
    assert "Has waited 15 days since its last change" in shown


# --- their pages ------------------------------------------------------------------


async def test_the_page_lists_all_jobs(as_admin: Auth) -> None:
    shown = await page(as_admin, "/jobs/")
    for words in JOBS.values():
        assert words in shown
    assert shown.count("None yet") == len(JOBS)


async def test_only_administrators_see_them(as_moderator: Auth) -> None:
    for path in ("/jobs/", "/jobs/clean_imports", "/jobs/clean_imports/edit"):
        assert (await as_moderator.get(path)).status_code == 403
    assert (await as_moderator.post("/jobs/clean_imports/run")).status_code == 403
    assert "/jobs/" not in await page(as_moderator, "/")


async def test_a_job_is_run_and_shown_with_its_history(app: Quart, as_admin: Auth) -> None:
    answer = await as_admin.post("/jobs/clean_imports/run")
    assert answer.location == "/jobs/clean_imports"
    await ended(app, "clean_imports", 1)
    await run(app, "clean_imports")

    shown = await page(as_admin, "/jobs/clean_imports")

    assert shown.count("by hand") == 2
    assert "Succeeded" in shown
    assert "A column for each of the latest 2 runs" in shown
    assert re.search(r"\d+(\.\d+)?</data> s", shown)


async def test_a_job_that_runs_is_not_begun_again(app: Quart, as_admin: Auth) -> None:
    under_way = Run("clean_imports", utc_now(), Outcome.RUNNING, "other:1:x")
    await STATE.get(app).coordinator.claim("other:1:x", None, [Batch([under_way], 1)])

    answer = await as_admin.post("/jobs/clean_imports/run")

    assert answer.status_code == 409
    assert "This job is running already" in await answer.get_data(as_text=True)


async def test_a_job_is_paused_and_resumed(as_admin: Auth) -> None:
    await as_admin.post("/jobs/clean_imports/pause")
    assert "'Remove files of old imports' is paused." in await page(as_admin, "/jobs/clean_imports")
    assert "Paused" in await page(as_admin, "/jobs/")
    await as_admin.post("/jobs/clean_imports/resume")
    assert "Paused" not in await page(as_admin, "/jobs/")


async def test_a_failure_is_named_above_the_list(app: Quart, as_admin: Auth) -> None:
    await test_files_without_a_row_go(app)
    shown = await page(as_admin, "/jobs/")
    assert "The latest run of a job failed" in shown
    assert "ConflictError: The folder" in shown


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"kind": "time", "days": "mon", "time": "6:05"}, "Every Monday at 06:05"),
        ({"kind": "hourly", "days": "*", "time": "0:15"}, "Every hour at :15"),
        ({"kind": "interval", "every": "90", "unit": "minutes"}, "Every 90 minutes"),
        ({"kind": "interval", "every": "1", "unit": "days"}, "Every 24 hours"),
    ],
)
async def test_a_schedule_is_changed(as_admin: Auth, form: dict[str, str], words: str) -> None:
    await as_admin.post("/jobs/clean_imports/pause")
    edit = "/jobs/clean_imports/edit"
    answer = await as_admin.post(edit, **form)

    assert answer.location == "/jobs/clean_imports"
    shown = await page(as_admin, "/jobs/clean_imports")
    assert words in shown
    assert "Resume" in shown, "it stays paused"
    again = await page(as_admin, edit)
    assert form.get("every", form.get("time", "").zfill(5)) in again


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"kind": "time", "time": "25:00"}, "Enter a time such as 07:30."),
        ({"kind": "time"}, "Enter a time such as 07:30."),
        ({"kind": "interval"}, "Enter a number."),
        ({"kind": "interval", "every": "0"}, "Number must be between 1 and 1000."),
        ({"kind": "tide"}, "Not a valid choice."),
    ],
)
async def test_a_schedule_that_cannot_be(
    as_admin: Auth, form: dict[str, str], problem: str
) -> None:
    answer = await as_admin.post("/jobs/clean_imports/edit", **form)
    assert answer.status_code == 422
    assert problem in unescape(await answer.get_data(as_text=True))


async def test_a_job_that_does_not_exist(as_admin: Auth) -> None:
    assert (await as_admin.get("/jobs/nothing")).status_code == 404
    for action in ("run", "pause", "resume"):
        assert (await as_admin.post(f"/jobs/nothing/{action}")).status_code == 404


def test_schedules_in_words() -> None:
    assert str(Schedule(days="mon-fri", hour=7)) == "Monday to Friday at 07:00"
    assert str(Schedule(every=1, unit="hours")) == "Every hour"


# --- their API --------------------------------------------------------------------


async def test_programs_see_and_run_jobs(app: Quart, admin: User) -> None:
    client = app.test_client()
    headers = {"Authorization": f"Bearer {await token(app, admin)}"}

    async def send(line: str) -> Any:
        method, _, path = line.partition(" ")
        call = client.get if method == "GET" else client.post
        answer = await call(f"/api/v1/jobs{path}", headers=headers)
        assert answer.status_code in {200, 202}, await answer.get_data(as_text=True)
        return await answer.get_json()

    listed = (await send("GET "))["items"]
    assert {each["id"]: each["schedule"] for each in listed} == JOBS
    assert (await send("POST /clean_imports/run"))["id"] == "clean_imports"
    await ended(app, "clean_imports", 1)
    (latest,) = (await send("GET /clean_imports/runs?limit=5"))["items"]
    assert (latest["outcome"], latest["by_hand"], latest["error"]) == ("succeeded", True, None)
    assert (await send("GET /clean_imports"))["latest_run"] == latest
    assert (await send("POST /clean_imports/pause"))["is_paused"]
    assert not (await send("POST /clean_imports/resume"))["is_paused"]


async def test_programs_of_others_see_no_jobs(app: Quart, moderator: User) -> None:
    headers = {"Authorization": f"Bearer {await token(app, moderator)}"}
    answer = await app.test_client().get("/api/v1/jobs", headers=headers)
    assert answer.status_code == 403


async def token(app: Quart, user: User) -> str:
    """Return a new token of a user."""
    async with app.app_context(), db.transaction() as session:
        _, secret = await create_token(session, user=user, name="test", scopes=list(Scope))
    return secret


async def ended(app: Quart, job: str, count: int) -> None:
    """Wait for runs that a page began."""
    async with app.app_context():
        await STATE.get().runner.drain(20)
        runs = await scheduler.get_runs(job)
    assert len(runs) == count
    assert all(run.outcome is Outcome.SUCCEEDED for run in runs)
