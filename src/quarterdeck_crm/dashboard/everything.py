"""The search over everything: a few rows of each kind, with bounded statements.

Accounts, people, goods and orders are searched by their lists. Here are the other kinds, and the
short answers of the palette.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from quart import url_for
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.attachments.subjects import place_of
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import (
    Account,
    Attachment,
    Contact,
    Deal,
    Good,
    Note,
    Order,
    Person,
    StageKind,
    Task,
    User,
)
from quarterdeck_crm.notifications.records import note_url
from quarterdeck_crm.search.conditions import begins, found_few, matching, words_in
from quarterdeck_crm.tasks.queries import with_names
from quarterdeck_crm.team.services import list_users

FEW = 8  # rows of a kind on the page
MANY = 100  # of the one kind that is shown alone
QUICK = 5  # in the palette
EXCERPT = 160  # characters of a note

#: The kinds in the order in which they are shown.
TITLES = {
    "accounts": _l("Accounts"),
    "people": _l("People"),
    "deals": _l("Deals"),
    "orders": _l("Orders"),
    "tasks": _l("Tasks"),
    "goods": _l("Goods"),
    "notes": _l("Notes"),
    "files": _l("Files"),
    "users": _l("Team"),
}
#: Where the page of a record is: its name, its endpoint, and the argument with its id.
PAGES: dict[str, tuple[Any, Any, str, str]] = {
    "account": (Account.id, Account.name, "accounts.show", "account_id"),
    "deal": (Deal.id, Deal.name, "deals.show", "deal_id"),
    "good": (Good.id, Good.name, "goods.show", "good_id"),
    "order": (Order.id, Order.number, "orders.show", "order_id"),
    "person": (Person.id, Person.name, "people.show", "person_id"),
    "task": (Task.id, Task.title, "tasks.show", "task_id"),
}


@dataclass(frozen=True, slots=True)
class Hit:
    """One row that was found.

    Attributes:
        title: Its name, or the beginning of a note.
        url: Its page; for a note and a file the place on the page of its record.
        detail: What tells it from others of the same name.
        row: The row itself.
    """

    title: str
    url: str
    detail: str = ""
    row: Any = None


async def find_deals(session: AsyncSession, *, q: str, limit: int = FEW) -> Sequence[Deal]:
    """Return deals in any stage, open ones and the newest first."""
    statement = (
        select(Deal)
        .where(Deal.id.in_(found_few(q, Deal)))
        .order_by(Deal.kind != StageKind.OPEN, Deal.id.desc())
        .limit(limit)
        .options(
            joinedload(Deal.account).load_only(Account.name),
            joinedload(Deal.owner).load_only(User.name),
            joinedload(Deal.stage),
        )
    )
    return await _rows(session, q, statement)


async def find_tasks(session: AsyncSession, *, q: str, limit: int = FEW) -> Sequence[Task]:
    """Return tasks, those to be done first, by their due dates."""
    statement = select(Task).where(Task.id.in_(found_few(q, Task)))
    by = (Task.is_done, Task.due_at, Task.id)
    return await _rows(session, q, statement.order_by(*by).limit(limit).options(*with_names()))


async def find_notes(session: AsyncSession, *, q: str, limit: int = FEW) -> list[Hit]:
    """Return notes with the record of each, the newest first."""
    statement = (
        select(Note)
        .where(Note.id.in_(found_few(q, Note)))
        .order_by(Note.id.desc())
        .limit(limit)
        .options(joinedload(Note.author).load_only(User.name))
    )
    notes = await _rows(session, q, statement)
    places = await name_records(session, ((note.subject_type, note.subject_id) for note in notes))
    found = []
    for note in notes:
        place = places.get((note.subject_type, note.subject_id))
        if place is not None:
            url = note_url(note.subject_type, note.subject_id, note.id)
            found.append(Hit(_excerpt(note.body, q), url, place.title, note))
    return found


async def find_files(session: AsyncSession, *, q: str, limit: int = FEW) -> list[Hit]:
    """Return files by their names, with the record of each, the newest first."""
    statement = (
        select(Attachment)
        .where(Attachment.id.in_(found_few(q, Attachment)))
        .order_by(Attachment.id.desc())
        .limit(limit)
    )
    files = await _rows(session, q, statement)
    places = await name_records(session, map(place_of, files))
    found = []
    for file in files:
        place = places.get(place_of(file))
        if place is not None:
            found.append(Hit(file.name, f"{place.url}#files", place.title, file))
    return found


async def find_users(session: AsyncSession, *, q: str, limit: int = FEW) -> list[Hit]:
    """Return active users; the team has no page for each."""
    if not words_in(q):
        return []
    listing = Listing(q=q, sort="name", per_page=limit, filters={"state": "active"})
    users = await list_users(session, listing=listing)
    return [Hit(user.name, url_for("team.index", q=user.email), user.email, user) for user in users]


async def name_records(
    session: AsyncSession, places: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], Hit]:
    """Return names and pages of records of several kinds, with one statement for each kind."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for kind, id_ in places:
        wanted[kind].add(id_)
    found = {}
    for kind, ids in wanted.items():
        if kind not in PAGES:
            continue
        key, name, endpoint, argument = PAGES[kind]
        for id_, title in await session.execute(select(key, name).where(key.in_(ids))):
            found[kind, id_] = Hit(title, url_for(endpoint, **{argument: id_}))
    return found


async def find_quickly(session: AsyncSession, *, q: str) -> dict[str, list[Hit]]:
    """Return the best few of each kind, with one statement for each (two for notes and files)."""
    if not words_in(q):
        return {}
    shown: dict[str, list[Hit]] = {}
    used = Account.archived_at.is_(None), *matching(q, Account)
    accounts = select(Account.id, Account.name, Account.city).where(*used)
    shown["accounts"] = await _quick(
        session, accounts.order_by(Account.name_key, Account.id), "account"
    )
    used = Person.archived_at.is_(None), Person.id.in_(found_few(q, Person))
    # The one account is read in the same statement, not by a query per row.
    place = (
        select(Account.name)
        .join(Contact, Contact.account_id == Account.id)
        .where(Contact.person_id == Person.id)
        .order_by(Contact.account_id)
        .limit(1)
        .scalar_subquery()
    )
    people = select(Person.id, Person.name, place).where(*used)
    shown["people"] = await _quick(session, people.order_by(Person.name_key, Person.id), "person")
    deals = select(Deal.id, Deal.name, Account.name).join(Deal.account)
    deals = deals.where(Deal.id.in_(found_few(q, Deal)))
    shown["deals"] = await _quick(session, deals.order_by(Deal.id.desc()), "deal")
    orders = select(Order.id, Order.number, Account.name).join(Order.account)
    orders = orders.where(*(begins(Order.number_key, word) for word in words_in(q)))
    shown["orders"] = await _quick(session, orders.order_by(Order.number_key.desc()), "order")
    tasks = select(Task.id, Task.title, Account.name).outerjoin(Task.account)
    tasks = tasks.where(Task.id.in_(found_few(q, Task)))
    by = (Task.is_done, Task.due_at, Task.id)
    shown["tasks"] = await _quick(session, tasks.order_by(*by), "task")
    used = Good.archived_at.is_(None), *matching(q, Good)
    goods = select(Good.id, Good.name, Good.code).where(*used)
    shown["goods"] = await _quick(session, goods.order_by(Good.name_key, Good.id), "good")
    shown["notes"] = await find_notes(session, q=q, limit=QUICK)
    shown["files"] = await find_files(session, q=q, limit=QUICK)
    shown["users"] = await find_users(session, q=q, limit=QUICK)
    return {kind: shown[kind] for kind in TITLES if shown[kind]}


async def _quick(session: AsyncSession, statement: Any, kind: str) -> list[Hit]:
    _key, _name, endpoint, argument = PAGES[kind]
    return [
        Hit(name, url_for(endpoint, **{argument: id_}), detail or "")
        for id_, name, detail in await session.execute(statement.limit(QUICK))
    ]


async def _rows(session: AsyncSession, q: str, statement: Select[Any]) -> Sequence[Any]:
    return (await session.scalars(statement)).all() if words_in(q) else ()


def _excerpt(body: str, q: str) -> str:
    """Return the part of a note around the first word that was searched for, on one line."""
    text = " ".join(body.split())
    folded = text.casefold()
    places = [place for word in words_in(q) if (place := folded.find(word.casefold())) >= 0]
    start = max(min(places, default=0) - EXCERPT // 3, 0)
    if start:
        start = text.find(" ", start) + 1 or start
    part = text[start : start + EXCERPT]
    return f"{'… ' if start else ''}{part}{'…' if start + EXCERPT < len(text) else ''}"
