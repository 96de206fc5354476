"""The daily mail: one's open orders, and what colleagues changed on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck.babel import gettext as _
from quarterdeck_crm.extensions import db
from quarterdeck_crm.history.wording import in_words
from quarterdeck_crm.languages import language_of
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.mail.links import public_url
from quarterdeck_crm.mail.notices import plain
from quarterdeck_crm.mail.sending import post_to_user, sends_mail
from quarterdeck_crm.models import Activity, NoticeTime, Order, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.orders.states import OPEN

MIN_INTERVAL = timedelta(hours=20)  # so that a job may come some minutes early
FIRST_SINCE = timedelta(days=1)
MAX_LINES = 50


@dataclass(frozen=True, slots=True)
class Change:
    """What a colleague did to an order, in words."""

    number: str
    text: str
    actor: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The contents of a daily mail.

    Attributes:
        counts: The states of open orders, each with their number; empty if not wanted.
        overdue: Open orders whose day has passed; empty if not wanted.
        changes: The changes by colleagues, the oldest first; empty if not wanted.
    """

    counts: Sequence[tuple[str, int]]
    overdue: Sequence[Order]
    changes: Sequence[Change]

    @property
    def is_empty(self) -> bool:
        return not (self.counts or self.overdue or self.changes)


async def mail_summaries(*, now: datetime | None = None) -> int:
    """Write the daily mails that users want, and return how many were written.

    Each user has a transaction of their own, which notes the time: a second run on the same day,
    also one at the same moment in another process, writes nothing. Users without news get none.

    Args:
        now: The time of this run; the present one if not given.
    """
    if not sends_mail():
        return 0
    now = now or utc_now()
    wanted = select(User.id).where(
        User.is_active, or_(User.daily_summary, User.notices == NoticeTime.DAILY)
    )
    ids = (await db.session.scalars(wanted.order_by(User.id))).all()
    count = 0
    for user_id in ids:
        async with db.transaction() as session:
            count += await _mail_summary(session, user_id=user_id, now=now)
    return count


async def _mail_summary(session: AsyncSession, *, user_id: int, now: datetime) -> bool:
    user = await session.get_one(User, user_id, populate_existing=True)
    since = user.summarized_at or now - FIRST_SINCE
    is_due = or_(User.summarized_at.is_(None), User.summarized_at <= now - MIN_INTERVAL)
    noted = update(User).where(User.id == user_id, is_due).values(summarized_at=now)
    if not await changes_one(session, noted.execution_options(synchronize_session=False)):
        return False
    with language_of(user):
        summary = await summarize(session, user=user, since=since, now=now)
    if summary.is_empty:
        return False
    await post_to_user(
        session,
        user,
        subject=_l("Your orders today"),
        template="summary",
        kind="daily",
        summary=summary,
        url=public_url("orders.index", owner="me", state="open"),
    )
    return True


async def summarize(
    session: AsyncSession, *, user: User, since: datetime, now: datetime
) -> Summary:
    """Return what a user is told.

    Args:
        session: The db session.
        user: The reader.
        since: Changes after this time are told.
        now: Changes up to this time are told, and orders required before its day are overdue.
    """
    counts: Sequence[tuple[str, int]] = ()
    overdue: Sequence[Order] = ()
    changes: Sequence[Change] = ()
    if user.daily_summary:
        own = (Order.owner_id == user.id, Order.state.in_(OPEN))
        counted = select(Order.state, func.count()).where(*own).group_by(Order.state)
        found = dict((await session.execute(counted)).all())
        counts = [(state.value, found[state]) for state in OPEN if state in found]
        late = select(Order).where(*own, Order.required_on < now.date())
        late = late.order_by(Order.required_on, Order.id).limit(MAX_LINES)
        overdue = (await session.scalars(late.options(joinedload(Order.account)))).all()
    if user.notices == NoticeTime.DAILY:
        changes = await _changes(session, user=user, since=since, now=now)
    return Summary(counts, overdue, changes)


async def _changes(
    session: AsyncSession, *, user: User, since: datetime, now: datetime
) -> list[Change]:
    by_others = (
        select(Activity, Order.number)
        .join(Order, Activity.subject_id == Order.id)
        .where(
            Activity.subject_type == Order.__tablename__,
            Order.owner_id == user.id,
            Activity.actor_id != user.id,
            Activity.at > since,
            Activity.at <= now,
        )
        .order_by(Activity.id)
        .limit(MAX_LINES)
        .options(joinedload(Activity.actor).load_only(User.name))
    )
    rows = (await session.execute(by_others)).all()
    items = await in_words(session, [entry for entry, number in rows])
    return [
        Change(number, plain(item.text), item.actor.name if item.actor else _("The system"))
        for (entry, number), item in zip(rows, items, strict=True)
    ]
