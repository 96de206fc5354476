"""The history as sentences for pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.languages.days import shown_day
from quarterdeck_crm.languages.words import detail_words, priority_word
from quarterdeck_crm.models import (
    Account,
    Activity,
    Contact,
    CustomField,
    Deal,
    DealStage,
    Order,
    Person,
    Priority,
    User,
)
from quarterdeck_crm.money import with_cents

from .recording import VERSION, Subject, list_history

LABELS = {
    "owner_id": _l("Owner"),
    "assignee_id": _l("Assignee"),
    "contact_id": _l("Contact"),
    "order_id": _l("Order"),
    "deal_id": _l("Deal"),
    "stage_id": _l("Stage"),
    "own_probability": _l("Probability"),
    "expected_on": _l("Expected on"),
    "lost_reason": _l("Reason"),
    "value": _l("Value"),
    "due_on": _l("Due date"),
    "due_time": _l("Time"),
    "zone": _l("Time zone"),
    "remind_on": _l("Reminder"),
    "remind_time": _l("Time of the reminder"),
    "repeat_until": _l("Repeats until"),
    "account_id": _l("Account"),
    "accounts": _l("Account"),
    "phones": _l("Phone"),
    "emails": _l("E-mail"),
    "addresses": _l("Address"),
    "birthday": _l("Birthday"),
    "do_not_contact": _l("Do not contact"),
    "consent_given_on": _l("Consent given on"),
    "consent_how": _l("Consent given by"),
    "consent_withdrawn_on": _l("Consent withdrawn on"),
    "ordered_on": _l("Order date"),
    "required_on": _l("Required by"),
    "shipped_on": _l("Shipped on"),
    "ship_name": _l("Ship to"),
    "ship_address": _l("Shipping address"),
    "ship_city": _l("Shipping city"),
    "ship_region": _l("Shipping region"),
    "ship_postal_code": _l("Shipping postal code"),
    "ship_country": _l("Shipping country"),
    "address": _l("Address"),
    "category": _l("Category"),
    "city": _l("City"),
    "code": _l("Code"),
    "country": _l("Country"),
    "currency": _l("Currency"),
    "email": _l("E-mail"),
    "fax": _l("Fax"),
    "freight": _l("Freight"),
    "name": _l("Name"),
    "phone": _l("Phone"),
    "postal_code": _l("Postal code"),
    "price": _l("Price"),
    "priority": _l("Priority"),
    "region": _l("Region"),
    "remark": _l("Remark"),
    "repeat": _l("Repeat"),
    "state": _l("State"),
    "stock": _l("Stock"),
    "tags": _l("Tags"),
    "title": _l("Title"),
    "unit": _l("Unit"),
    "website": _l("Website"),
}
SENTENCES = {
    "created": _l("Created"),
    "imported": _l("Imported"),
    "archived": _l("Archived"),
    "restored": _l("Restored"),
    "confirmed": _l("Confirmed"),
    "draft": _l("Reopened as draft"),
    "shipped": _l("Marked as shipped"),
    "paid": _l("Marked as paid"),
    "cancelled": _l("Cancelled"),
    "done": _l("Marked as done"),
    "reopened": _l("Reopened"),
    "undone": _l("Last step undone"),
    "deal won": _l("Won"),
    "deal lost": _l("Lost: {lost_reason[1]}"),
    "order made": _l("Became an order"),
    "waiting": _l("Has waited {days[1]} days since its last change"),
    "note added": _l("Note added"),
    "note edited": _l("Note edited"),
    "note removed": _l("Note removed"),
    "file added": _l("File added: {file[1]}"),
    "file removed": _l("File removed: {file[0]}"),
    "contact added": _l("Contact added: {contact[1]}"),
    "contact changed": _l("Contact changed: {contact[1]}"),
    "contact removed": _l("Contact removed: {contact[0]}"),
    "main contact": _l("Main contact: {contact[1]}"),
    "merged": _l("Merged with {merged[1]}, whose history is here too"),
    "merged away": _l("Became part of {merged[1]}"),
    "picture changed": _l("Picture changed"),
    "picture removed": _l("Picture removed"),
    "confirmation mailed": _l("Confirmation mailed to {contact[1]}"),
    "order confirmation mailed": _l("Confirmation of order {order[1]} mailed to {contact[1]}"),
    "draft deleted": _l("Draft of order {order[0]} deleted"),
    "sold": _l("Stock from {stock[0]} to {stock[1]} by order {order[1]}"),
    "returned": _l("Stock from {stock[0]} to {stock[1]}: returned by order {order[1]}"),
}
AMOUNTS = {"freight", "price", "value"}
NUMBERS = {"own_probability", "stock"}
DAYS = {"birthday", "repeat_until"}  # and the names that end with "_on"
ADDRESS = re.compile(r"(\S+@[^\s;,)]+|(?:https?://|www\.)[^\s;,)]+)")
WHOLE = Markup('<span class="whole">{}</span>')
NUMBER = Markup('<data value="{}">{}</data>')
# What follows from other fields: the net from the lines, instants from days and times.
UNTOLD = {
    VERSION,
    "net",
    "due_at",
    "remind_at",
    "reminded_at",
    "repeat_from",
    "moved_at",
    "kind",
    "probability",
}
CUSTOM = "fields."  # before the key of a custom field
REFERENCES: dict[str, Select[int, str]] = {
    "owner_id": select(User.id, User.name),
    "assignee_id": select(User.id, User.name),
    "account_id": select(Account.id, Account.name),
    "contact_id": select(Contact.id, Person.name).join(Contact.person),
    "order_id": select(Order.id, Order.number),
    "deal_id": select(Deal.id, Deal.name),
    "stage_id": select(DealStage.id, DealStage.name),
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
    return str(LABELS.get(field, "")) or field.replace("_", " ").capitalize()


def _text(entry: Activity, names: Names) -> str:
    if sentence := SENTENCES.get(entry.action):
        return sentence.format_map(entry.changes)
    told = [
        _change(name, change, names) for name, change in entry.changes.items() if name not in UNTOLD
    ]
    return Markup("; ").join(told) or _("Changed")


def _change(name: str, change: Any, names: Names) -> str:
    label = names.get((name, 0)) or label_of(name)
    if name == "lines":
        return _("Lines changed")
    if isinstance(change[0] or change[1], list):
        before, after = _different(*change)
    else:
        before, after = (_shown(name, names.get((name, value), value)) for value in change)
    if before is None:
        return _fill(_("{field} set to {after}"), label, after=after)
    if after is None:
        return _fill(_("{field} removed, was {before}"), label, before=before)
    return _fill(_("{field} changed from {before} to {after}"), label, before=before, after=after)


def _fill(sentence: str, label: str, **values: Any) -> str:
    return Markup(sentence).format(field=label, **values)  # noqa: S704  # escapes values


def _shown(name: str, value: Any) -> Any:
    """Return a value for a page, which shows numbers in the manner of its reader."""
    if name == "priority" and value in list(Priority):
        return priority_word(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str) and (name.endswith("_on") or name in DAYS):
        return shown_day(date.fromisoformat(value))
    if name in AMOUNTS and value is not None:
        value = with_cents(str(value))
        return NUMBER.format(value, value)
    if name in NUMBERS and value is not None:
        return NUMBER.format(value, value)
    return _with_addresses(value) if isinstance(value, str) else value


def _different(before: list[Any], after: list[Any]) -> tuple[str | None, str | None]:
    """Return the rows that one of two lists has and the other has not, as texts."""
    gone = [detail_words(row) for row in before if row not in after]
    come = [detail_words(row) for row in after if row not in before]
    before_words, after_words = "; ".join(gone), "; ".join(come)
    return _with_addresses(before_words) or None, _with_addresses(after_words) or None


def _with_addresses(text: str) -> str:
    """Return a text whose addresses do not break at their hyphens."""
    parts = ADDRESS.split(text)
    if len(parts) == 1:
        return text
    return Markup("").join(
        WHOLE.format(part) if place % 2 else part for place, part in enumerate(parts)
    )


async def _names(session: AsyncSession, entries: Iterable[Activity]) -> Names:
    names: dict[tuple[str, int], str] = {}
    if keys := {name for entry in entries for name in entry.changes if name.startswith(CUSTOM)}:
        found = select(CustomField.key, CustomField.label).where(
            CustomField.kind.in_({entry.subject_type for entry in entries}),
            CustomField.key.in_([key.removeprefix(CUSTOM) for key in keys]),
        )
        names |= {(f"{CUSTOM}{key}", 0): label for key, label in await session.execute(found)}
    for field, statement in REFERENCES.items():
        ids = {id_ for entry in entries for id_ in entry.changes.get(field, ()) if id_}
        if ids:
            key = statement.selected_columns[0]
            rows = await session.execute(statement.where(key.in_(ids)))
            names |= {(field, id_): text for id_, text in rows}
    return names
