"""What the scheduler does, and when, unless an administrator chooses another time.

Times are in the zone of ``CRM_SCHEDULER_TIMEZONE``. Each job may run again after a failure.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR
from quart import current_app
from sqlalchemy import delete, select

from quarterdeck_crm.attachments.pruning import prune
from quarterdeck_crm.audit.services import prune_events
from quarterdeck_crm.dashboard.summary import mail_summaries
from quarterdeck_crm.errors import NotFoundError, OrderSumsError
from quarterdeck_crm.extensions import db, scheduler, sessions
from quarterdeck_crm.idempotency import forget_all_expired
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.mail.alerts import tell_of_failed_job
from quarterdeck_crm.models import Activity
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.notifications.services import prune_notifications
from quarterdeck_crm.orders.sum_checks import compare_sums
from quarterdeck_crm.orders.waiting import note_waiting_orders
from quarterdeck_crm.tasks.reminders import send_reminders
from quarterdeck_crm.transfer.uploads import sweep

scheduler.add_listener(tell_of_failed_job, EVENT_JOB_ERROR)

HOUR = 3600
PRUNE_AFTER = timedelta(days=7)  # time to notice that an older database was restored
BATCH = 1_000

# A job of the night runs also if the server was down at its time, until the morning.
NIGHTLY: dict[str, Any] = {"misfire_grace_time": 4 * HOUR, "retries": 3, "retry_delay": 60}
ONCE = NIGHTLY | {"retries": 0}
HOURLY: dict[str, Any] = {"misfire_grace_time": HOUR // 2, "retries": 3, "retry_delay": 60}

# What a minute has missed, the next one does.
EACH_MINUTE: dict[str, Any] = {"misfire_grace_time": 30}


@scheduler.task("cron", name=N_("Remove expired browser sessions"), hour=3, minute=10, **NIGHTLY)
async def clean_sessions() -> None:
    """Keep the session store small."""
    await sessions.clean_up()


@scheduler.task("cron", name=N_("Remove old idempotency keys"), minute=20, **HOURLY)
async def clean_idempotency_keys() -> None:
    """Remove answers that programs may no longer ask for."""
    _log("idempotency keys", await forget_all_expired())


@scheduler.task("cron", name=N_("Remove files of old imports"), minute=40, **HOURLY)
async def clean_imports() -> None:
    """Remove files that were uploaded for an import more than a day ago."""
    _log("imports", await sweep())


@scheduler.task("cron", name=N_("Remove files that nothing names"), hour=3, minute=40, **NIGHTLY)
async def clean_attachments() -> None:
    """Remove stored files that no attachment and no picture names."""
    try:
        pruned = await prune(older_than=PRUNE_AFTER)
    except NotFoundError:
        return  # nobody has attached a file yet
    _log("attached files", pruned.files)


@scheduler.task("cron", name=N_("Remove old history"), day_of_week="sun", hour=4, **NIGHTLY)
async def clean_history() -> None:
    """Remove lines of history that are older than ``HISTORY_DAYS``."""
    days = current_app.config["HISTORY_DAYS"]
    if not days:
        return
    oldest = utc_now() - timedelta(days=days)
    removed = 0
    while True:
        async with db.transaction() as session:
            old = select(Activity.id).where(Activity.at < oldest).order_by(Activity.at)
            ids = (await session.scalars(old.limit(BATCH))).all()
            if ids:
                await session.execute(delete(Activity).where(Activity.id.in_(ids)))
        removed += len(ids)
        if len(ids) < BATCH:
            return _log("lines of history", removed)


@scheduler.task("cron", name=N_("Remove old events of the audit log"), hour=4, minute=10, **NIGHTLY)
async def clean_audit() -> None:
    """Remove events of the audit log that are older than ``AUDIT_DAYS``."""
    if days := current_app.config["AUDIT_DAYS"]:
        _log("events of the audit log", await prune_events(older_than=timedelta(days=days)))


@scheduler.task("cron", name=N_("Remove old notifications"), hour=4, minute=20, **NIGHTLY)
async def clean_notifications() -> None:
    """Remove notifications that were read more than ``NOTIFICATION_DAYS`` ago."""
    if days := current_app.config["NOTIFICATION_DAYS"]:
        _log("notifications", await prune_notifications(older_than=timedelta(days=days)))


@scheduler.task(
    "cron", name=N_("Note orders that wait too long"), day_of_week="mon-fri", hour=7, **NIGHTLY
)
async def note_waiting() -> None:
    """Write into their history that confirmed orders wait, and announce it."""
    days = current_app.config["ORDER_WAITING_DAYS"]
    noted = 0
    while True:
        async with db.transaction() as session:
            count = await note_waiting_orders(session, days=days)
        noted += count
        if not count:
            break
    current_app.logger.info("%d orders wait for more than %d days", noted, days)


@scheduler.task("cron", name=N_("Check the sums of orders"), hour=4, minute=30, **ONCE)
async def check_sums() -> None:
    """Fail if a figure of the dashboard differs from the orders: administrators get a mail."""
    if differences := await compare_sums():
        raise OrderSumsError(len(differences), str(differences[0]))


@scheduler.task("cron", name=N_("Write the daily mails"), hour=7, minute=30, **NIGHTLY)
async def mail_daily() -> None:
    """Write the mails that users chose in their profile; nothing without mail."""
    current_app.logger.info("wrote %d daily mails", await mail_summaries())


@scheduler.task("interval", name=N_("Send the reminders of tasks"), minutes=1, **EACH_MINUTE)
async def remind() -> None:
    """Send the reminders that are due, by mail and on open pages."""
    if count := await send_reminders():
        current_app.logger.info("sent %d reminders", count)


def _log(things: str, count: int) -> None:
    current_app.logger.info("removed %d %s", count, things)
