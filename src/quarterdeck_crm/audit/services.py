"""Reading the audit log, and removing what is old."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.extensions import db
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import MAX_COUNTED, Listing, paginate
from quarterdeck_crm.models import AuditAction, AuditEvent
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.validation.numbers import row_id

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {"time": AuditEvent.id}
FILTERS = ("action", "period", "user")
PERIODS = {
    "hour": (_l("Last hour"), timedelta(hours=1)),
    "day": (_l("Last 24 hours"), timedelta(days=1)),
    "week": (_l("Last 7 days"), timedelta(days=7)),
    "month": (_l("Last 30 days"), timedelta(days=30)),
}
BATCH = 5_000  # rows that one transaction deletes


async def list_events(session: AsyncSession, *, listing: Listing) -> Pagination[AuditEvent]:
    """Return a page of the audit log, newest first unless the listing turns it round.

    Words are looked for in the addresses of users, the subjects and the client's addresses.
    """
    statement = select(AuditEvent).where(*_conditions(listing))
    key = AuditEvent.id.desc() if listing.descending else AuditEvent.id.asc()
    return await paginate(session, statement, listing, by=[key], count=MAX_COUNTED)


async def find_events(
    session: AsyncSession,
    *,
    action: AuditAction | None = None,
    q: str = "",
    since: datetime | None = None,
    limit: int,
) -> list[AuditEvent]:
    """Return the newest events, the newest first."""
    listing = Listing(q=q, filters={"action": action} if action else {})
    statement = select(AuditEvent).where(*_conditions(listing))
    if since is not None:
        statement = statement.where(AuditEvent.at >= since)
    newest = statement.order_by(AuditEvent.id.desc()).limit(limit)
    return list(await session.scalars(newest))


async def prune_events(*, older_than: timedelta) -> int:
    """Delete old events in several short transactions; return how many there were."""
    before, deleted = utc_now() - older_than, 0
    while True:
        async with db.transaction() as session:
            old = select(AuditEvent.id).where(AuditEvent.at < before).order_by(AuditEvent.at)
            ids = list(await session.scalars(old.limit(BATCH)))
            await session.execute(delete(AuditEvent).where(AuditEvent.id.in_(ids)))
        deleted += len(ids)
        if len(ids) < BATCH:
            return deleted


def _conditions(listing: Listing) -> Iterator[ColumnElement[bool]]:
    if listing.q:
        columns = (AuditEvent.actor, AuditEvent.subject, AuditEvent.address)
        yield or_(*(column.icontains(listing.q, autoescape=True) for column in columns))
    if (action := listing.filters.get("action")) in list(AuditAction):
        yield AuditEvent.action == action
    if (period := listing.filters.get("period")) in PERIODS:
        yield AuditEvent.at >= utc_now() - PERIODS[period][1]
    if (user_id := row_id(listing.filters.get("user", ""))) is not None:
        yield or_(AuditEvent.actor_id == user_id, AuditEvent.user_id == user_id)
