"""The history as sentences for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from quarterdeck_crm.models import Account, Activity, Contact, Order, Priority, User

from .recording import VERSION, Subject, list_history

LABELS = {
    "owner_id": "Owner",
    "assignee_id": "Assignee",
    "contact_id": "Contact",
    "order_id": "Order",
    "due_on": "Due date",
    "due_time": "Time",
    "zone": "Time zone",
    "remind_on": "Reminder",
    "remind_time": "Time of the reminder",
    "repeat_until": "Repeats until",
    "account_id": "Account",
    "ordered_on": "Order date",
    "required_on": "Required by",
    "shipped_on": "Shipped on",
    "ship_name": "Ship to",
    "ship_address": "Shipping address",
    "ship_city": "Shipping city",
    "ship_region": "Shipping region",
    "ship_postal_code": "Shipping postal code",
    "ship_country": "Shipping country",
}
SENTENCES = {
    "created": "Created",
    "imported": "Imported",
    "archived": "Archived",
    "restored": "Restored",
    "confirmed": "Confirmed",
    "draft": "Reopened as draft",
    "shipped": "Marked as shipped",
    "paid": "Marked as paid",
    "cancelled": "Cancelled",
    "done": "Marked as done",
    "reopened": "Reopened",
    "waiting": "Has waited {days[1]} days since its last change",
    "note added": "Note added",
    "note removed": "Note removed",
    "file added": "File added: {file[1]}",
    "file removed": "File removed: {file[0]}",
    "contact added": "Contact added: {contact[1]}",
    "contact changed": "Contact changed: {contact[1]}",
    "contact removed": "Contact removed: {contact[0]}",
    "picture changed": "Picture changed",
    "picture removed": "Picture removed",
    "confirmation mailed": "Confirmation mailed to {contact[1]}",
    "draft deleted": "Draft of order {order[0]} deleted",
    "sold": "Stock from {stock[0]} to {stock[1]} by order {order[1]}",
    "returned": "Stock from {stock[0]} to {stock[1]}: returned by order {order[1]}",
}
NUMBERS = {"freight", "price", "stock"}
NUMBER = Markup('<data value="{}">{}</data>')
# What follows from other fields: the net from the lines, instants from days and times.
UNTOLD = {VERSION, "net", "due_at", "remind_at", "reminded_at", "repeat_from"}
REFERENCES: dict[str, InstrumentedAttribute[str]] = {
    "owner_id": User.name,
    "assignee_id": User.name,
    "account_id": Account.name,
    "contact_id": Contact.name,
    "order_id": Order.number,
}
Names = Mapping[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One line of history as shown; the text may hold markup."""

    at: datetime
    actor: User | None
    text: str


async def read_history(
    session: AsyncSession, subject: Subject, *, limit: int = 20
) -> list[HistoryItem]:
    """Return the newest lines of history first, in words."""
    return await in_words(session, await list_history(session, subject, limit=limit))


async def in_words(session: AsyncSession, entries: Iterable[Activity]) -> list[HistoryItem]:
    """Return lines of history as sentences; ids become names."""
    entries = list(entries)
    names = await _names(session, entries)
    return [HistoryItem(entry.at, entry.actor, _text(entry, names)) for entry in entries]


def label_of(field: str) -> str:
    """Return the words for a field."""
    return LABELS.get(field) or field.replace("_", " ").capitalize()


def _text(entry: Activity, names: Names) -> str:
    if sentence := SENTENCES.get(entry.action):
        return sentence.format_map(entry.changes)
    told = [
        _change(name, change, names) for name, change in entry.changes.items() if name not in UNTOLD
    ]
    return Markup("; ").join(told) or "Changed"


def _change(name: str, change: Any, names: Names) -> str:
    if name == "lines":
        return "Lines changed"
    before, after = (_shown(name, names.get((name, value), value)) for value in change)
    if before is None:
        return Markup("{} set to {}").format(label_of(name), after)
    if after is None:
        return Markup("{} removed, was {}").format(label_of(name), before)
    return Markup("{} changed from {} to {}").format(label_of(name), before, after)


def _shown(name: str, value: Any) -> Any:
    """Return a value for a page, which shows numbers in the manner of its reader."""
    if name == "priority" and value in list(Priority):
        return Priority(value).name.lower()
    return NUMBER.format(value, value) if name in NUMBERS and value is not None else value


async def _names(session: AsyncSession, entries: Iterable[Activity]) -> Names:
    names: dict[tuple[str, int], str] = {}
    for field, name in REFERENCES.items():
        ids = {id_ for entry in entries for id_ in entry.changes.get(field, ()) if id_}
        if ids:
            model = name.class_
            rows = await session.execute(select(model.id, name).where(model.id.in_(ids)))
            names |= {(field, id_): text for id_, text in rows}
    return names
