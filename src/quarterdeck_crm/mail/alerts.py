"""Mail to administrators about work that failed for good: scheduled jobs, and other mail.

The logs and the metrics have all failures; mail has the first of a job in an hour of the clock,
and the first mail in an hour that was given up.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.apscheduler import Outcome
from quarterdeck.mail import Envelope
from quarterdeck_crm.extensions import db, mail, scheduler
from quarterdeck_crm.languages import lazy as _l

from .links import public_url
from .sending import ALERT_HEADER, post_to_user, sends_mail
from .users import list_admins

RECENT_RUNS = 200


async def tell_of_failed_job(event: Any) -> None:
    """Mail that a run has failed after its retries; a listener of the scheduler."""
    run = event.run
    if run.outcome is not Outcome.FAILED or not sends_mail():
        return
    since = _begin_of_hour(run.due)
    runs = await scheduler.get_runs(run.job_id, limit=RECENT_RUNS)
    if any(each.outcome is Outcome.FAILED and since <= each.due < run.due for each in runs):
        return
    job = await scheduler.get_job(run.job_id)
    name = run.job_id if job is None else job.name
    async with db.transaction() as session:
        await _tell(
            session,
            subject=_l("The job '%(name)s' has failed", name=name),
            template="job_failed",
            name=name,
            run=run,
            url=public_url("jobs.show", job_id=run.job_id),
        )


async def tell_of_failed_mail(_app: object, *, envelope: Envelope, error: str) -> None:
    """Mail that another mail was given up, unless that one was such a notice itself."""
    if not sends_mail() or message_from_bytes(envelope.content)[ALERT_HEADER] is not None:
        return
    since = _begin_of_hour(datetime.now(UTC))
    if len(await mail.outbox.list(state="dead", since=since, limit=2)) > 1:
        return  # one of them is this mail
    async with db.transaction() as session:
        await _tell(
            session,
            subject=_l("A mail was not delivered"),
            template="mail_failed",
            envelope=envelope,
            error=error,
            url=public_url("mail.index"),
        )


async def _tell(session: AsyncSession, **message: Any) -> None:
    for admin in await list_admins(session):
        await post_to_user(session, admin, is_alert=True, **message)


def _begin_of_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
