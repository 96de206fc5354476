"""Queries of tasks: the list with its filters, and the tasks of a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import (
    Account,
    Contact,
    Deal,
    Order,
    Person,
    Priority,
    Task,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.task import NEVER
from quarterdeck_crm.search.conditions import contacts_of, ordering, without_index
from quarterdeck_crm.search.filters import Range, Ranges
from quarterdeck_crm.search.paging import paginate_found
from quarterdeck_crm.validation.numbers import row_id
from quarterdeck_crm.validation.times import load_zone

from .bounds import Bounds, zone_name

SORTS: dict[str, Any] = {
    "due": Task.due_at,
    "priority": Task.priority,
    "title": Task.title_key,
    "created": Task.created_at,
}
RANGES = Ranges((Range("day", Task.due_on, _l("Due date"), near=Task.due_at),))
COLUMNS = {
    "due": _l("Due"),
    "priority": _l("Priority"),
    "for": _l("For"),
    "assignee": _l("Assignee"),
}
FILTERS = (
    "state",
    "assignee",
    "priority",
    "due",
    "account",
    "contact",
    "person",
    "order",
    "deal",
    *RANGES.names,
)
RECORDS: dict[str, Any] = {
    "account": Task.account_id,
    "contact": Task.contact_id,
    "order": Task.order_id,
    "deal": Task.deal_id,
}
STATES = ("open", "done")
DUE = ("overdue", "today", "week", "none")
MAX_OF_RECORD = 5  # open tasks on the page of a record; the list has the rest


async def list_tasks(
    session: AsyncSession, *, listing: Listing, actor: User | None = None
) -> Pagination[Task]:
    """Return a page of tasks with the names of their users and records.

    Filters: ``state`` is ``open`` or ``done``, open if not given; ``assignee`` is ``me``,
    ``none`` or an id; ``priority`` is ``high``, ``normal`` or ``low``; ``due`` is ``overdue``,
    ``today``, ``week`` or ``none``, by the days of the actor; ``account``, ``contact``,
    ``order`` and ``deal`` are ids; ``person`` is the id of a person, who may be a contact of
    several accounts. ``RANGES`` are further filters.

    Raises:
        ValidationError: If a range cannot be read.
    """
    statement = select(Task).where(
        _is_done(listing) == (listing.filters.get("state") == "done"),
        *_conditions(listing, actor),
        *await _due(listing.filters.get("due"), actor),
        *await RANGES.conditions(listing.filters, actor),
    )
    keys = [SORTS[listing.sort], Task.id]
    if listing.sort == "priority":
        keys.insert(1, Task.due_at)
    by = ordering(listing, *keys)
    statement = statement.options(*with_names())
    near = RANGES.near(listing.filters)
    if listing.sort == "due":
        statement, near = statement.where(*near), []  # the same index
    return await paginate_found(session, statement, listing, model=Task, by=by, if_few=near)


async def list_of_record(session: AsyncSession, **record: int | Sequence[int]) -> Sequence[Task]:
    """Return the open tasks of a record that are due next, one more than a page shows.

    Args:
        session: The db session.
        record: ``account_id``, ``contact_id``, ``order_id`` or ``deal_id``: an id, or several. The
            tasks of an account include those of its contacts, orders and deals.
    """
    ((name, id_),) = record.items()
    column = getattr(Task, name)
    is_one = isinstance(id_, int)
    has_index = is_one and column is Task.account_id  # of both, sorted by the due date
    is_done = Task.is_done if has_index else without_index(Task.is_done)
    statement = (
        select(Task)
        .where(column == id_ if is_one else column.in_(id_), ~is_done)
        .order_by(Task.due_at, Task.id)
        .limit(MAX_OF_RECORD + 1)
        .options(joinedload(Task.assignee).load_only(User.name))
    )
    return (await session.scalars(statement)).all()


def with_names() -> tuple[ExecutableOption, ...]:
    """Return the options that load the names of the users and records of a task."""
    return (
        joinedload(Task.assignee).load_only(User.name, User.is_active),
        joinedload(Task.creator).load_only(User.name),
        joinedload(Task.account).load_only(Account.name, Account.code),
        joinedload(Task.contact).joinedload(Contact.person).load_only(Person.name),
        joinedload(Task.order).load_only(Order.number),
        joinedload(Task.deal).load_only(Deal.name),
    )


def _is_done(listing: Listing) -> Any:
    """Return the column, for an index unless that of a record gives fewer rows."""
    filtered = {
        name for name in (*RECORDS, "person") if row_id(listing.filters.get(name, "")) is not None
    }
    if not filtered or (filtered == {"account"} and listing.sort == "due"):  # an index has both
        return Task.is_done
    return without_index(Task.is_done)


def _conditions(listing: Listing, actor: User | None) -> list[ColumnElement[bool]]:
    filters, conditions = listing.filters, []
    match filters.get("assignee"):
        case None:
            pass
        case "me" if actor is not None:
            conditions.append(Task.assignee_id == actor.id)
        case "none":
            conditions.append(Task.assignee_id.is_(None))
        case word:
            if (id_ := row_id(word)) is not None:
                conditions.append(Task.assignee_id == id_)
    if (person_id := row_id(filters.get("person", ""))) is not None:
        conditions.append(Task.contact_id.in_(contacts_of(person_id)))
    word = filters.get("priority", "").upper()
    if word in Priority.__members__:
        conditions.append(Task.priority == int(Priority[word]))
    ids = {name: row_id(filters.get(name, "")) for name in RECORDS}
    return conditions + [RECORDS[name] == id_ for name, id_ in ids.items() if id_ is not None]


async def _due(word: str | None, actor: User | None) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter by date."""
    if word not in DUE:
        return []
    if word == "none":
        return [Task.due_at == NEVER]
    bounds = Bounds.of(utc_now(), await load_zone(zone_name(actor)))
    return bounds.span(word).conditions()
