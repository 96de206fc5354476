"""Filters of lists by one record: the account or person of a field, and the record of a link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Contact, Deal, Order, Person
from quarterdeck_crm.validation.numbers import row_id

from .autocomplete import label, pick
from .merges import find_account, find_person


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of record that a list can be filtered by with a field of its page."""

    model: type[Any]
    find: Callable[[AsyncSession, int], Awaitable[Account | Person | None]]
    label: str
    gone: str
    none: str
    several: str


KINDS = {
    "account": _Kind(
        Account,
        find_account,
        _l("Account"),
        _l("Account %(number)s"),
        _l("No account fits '%(text)s'."),
        _l("Several accounts fit '%(text)s'. Choose one from the list."),
    ),
    "person": _Kind(
        Person,
        find_person,
        _l("Person"),
        _l("Person %(number)s"),
        _l("No person fits '%(text)s'."),
        _l("Several people fit '%(text)s'. Choose one from the list."),
    ),
}
# The words for records that only a link filters by, and the statement for the name of one.
_LINKED: dict[str, tuple[str, Select[Any], Any]] = {
    "contact": (_l("Contact"), select(Person.name).join(Person.contacts), Contact.id),
    "order": (_l("Order"), select(Order.number), Order.id),
    "deal": (_l("Deal"), select(Deal.name), Deal.id),
}


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """A filter by a record, as a page shows it.

    Attributes:
        name: Its query argument.
        text: The words in its field and in its chip; None if it is not used.
        problem: Why the entered text is not filtered by.
    """

    name: str
    text: str | None = None
    problem: str | None = None

    @property
    def label(self) -> str:
        """The words for the kind of record."""
        return str(KINDS[self.name].label if self.name in KINDS else _LINKED[self.name][0])


async def settle(session: AsyncSession, listing: Listing, name: str) -> RecordFilter:
    """Return a filter by account or person; its id takes the place of words in ``listing``.

    The id of a merged record becomes that of the remaining one. Words that do not mean exactly
    one record are dropped from ``listing``.
    """
    kind = KINDS[name]
    text = listing.filters.get(name, "").strip()[:250]
    if not text:
        return RecordFilter(name)
    if (id_ := row_id(text)) is not None:
        row = await kind.find(session, id_)
        if row is not None:
            listing.filters[name] = str(row.id)
        return RecordFilter(name, label(row) if row else kind.gone % {"number": text})
    found = (await pick(session, kind.model, [text]))[text]
    if len(found) == 1:
        row = await kind.find(session, found[0].id)
        if row is not None:
            listing.filters[name] = str(row.id)
            return RecordFilter(name, label(row))
    del listing.filters[name]
    return RecordFilter(name, text, (kind.several if found else kind.none) % {"text": text})


async def linked(
    session: AsyncSession, listing: Listing, names: Sequence[str]
) -> tuple[RecordFilter, ...]:
    """Return those of ``names`` that the list is filtered by, with the names of the records."""
    found = []
    for name in names:
        if (id_ := row_id(listing.filters.get(name, ""))) is not None:
            text = await name_of(session, name, id_)
            found.append(RecordFilter(name, text or f"#{id_}"))
    return tuple(found)


async def name_of(session: AsyncSession, kind: str, id: int) -> str | None:
    """Return the name of a contact or a deal, or the number of an order; None if it is gone."""
    _words, statement, column = _LINKED[kind]
    name: str | None = await session.scalar(statement.where(column == id))
    return name


async def follow_merged(session: AsyncSession, listing: Listing) -> None:
    """Let a list that is filtered by the id of a merged record show those of the remaining one.

    Programs keep such ids. Pages need no call: ``filters.open_panel`` does it.
    """
    for name, kind in KINDS.items():
        if text := listing.filters.get(name):
            row = await kind.find(session, row_id(text) or 0)
            if row is not None:
                listing.filters[name] = str(row.id)
