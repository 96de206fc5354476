"""Export of people: a row for each phone number, address and account, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.lists.selection import Selection
from quarterdeck_crm.models import Account, Contact, Person
from quarterdeck_crm.people.parts import KINDS
from quarterdeck_crm.people.services import FIELDS

from .exporting import Chunks, Progress, Row, cell, stream_read
from .extras import cells_of
from .tables import PEOPLE, PERSON_COLUMNS

FLAGS = {"do_not_contact", "main_contact", "archived"}


def export_people(
    session: AsyncSession, progress: Progress | None = None, chosen: Selection | None = None
) -> Chunks:
    """Return the people as CSV."""

    async def read(condition: ColumnElement[bool]) -> Sequence[Row]:
        people = await session.scalars(
            select(Person)
            .where(condition)
            .order_by(Person.id)
            .options(
                selectinload(Person.contacts)
                .joinedload(Contact.account)
                .load_only(Account.code, Account.reference),
                *(selectinload(getattr(Person, kind.name)) for kind in KINDS),
            )
        )
        found = people.all()
        extras = await read_extras(session, Person, [person.id for person in found])
        rows = [
            (person.id, [*row, *map(cell, cells_of(extras, person.id))])
            for person in found
            for row in _rows(person)
        ]
        session.expunge_all()
        return rows

    return stream_read(session, PEOPLE, read, Person.id, progress, chosen, model=Person)


def _rows(person: Person) -> Iterator[list[str]]:
    """Yield the rows of a person, of which each repeats the name and the plain fields."""
    plain: dict[str, Any] = {name: getattr(person, name) for name in ("reference", *FIELDS)}
    plain["archived"] = person.archived_at is not None
    details = [[*_details(person, kind.name)] for kind in KINDS]
    for cells in zip_longest([*_places(person)], *details):
        yield _row([plain, *cells])
    if not any((person.contacts, *details)):
        yield _row([plain])


def _places(person: Person) -> Iterator[Mapping[str, Any]]:
    for contact in person.contacts:
        yield {
            "account": contact.account.code or contact.account.reference,
            "account_title": contact.title,
            "main_contact": contact.is_main,
        }


def _details(person: Person, kind: str) -> Iterator[Mapping[str, Any]]:
    for row in getattr(person, kind):
        yield {column: getattr(row, name) for name, column in PERSON_COLUMNS[kind].items()}


def _row(parts: Sequence[Mapping[str, Any] | None]) -> list[str]:
    values: dict[str, Any] = {}
    for part in parts:
        values |= part or {}
    return [_cell(name, values.get(name)) for name in PEOPLE.names]


def _cell(name: str, value: Any) -> str:
    if name in FLAGS and value is not None:
        return "1" if value else "0"
    return cell(value)
