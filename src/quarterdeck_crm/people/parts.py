"""The phone numbers, addresses and accounts of a person: entries made into rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import (
    ADDRESS_LABELS,
    PHONE_LABELS,
    Account,
    Contact,
    Label,
    Person,
    PersonAddress,
    PersonEmail,
    PersonPhone,
)
from quarterdeck_crm.search.autocomplete import label
from quarterdeck_crm.search.keys import mail_key, phone_key
from quarterdeck_crm.validation import Problems

MAX_ROWS = 20  # phone numbers, addresses and accounts of one person, of each kind
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of details that a person can have several of.

    Attributes:
        name: The attribute of the person.
        model: The rows.
        fields: Their columns, without the label. The first one must be filled, unless any may be.
        labels: The labels that are allowed.
        any: Whether one filled column is enough, whichever it is.
        missing: The problem of a row without content.
        twice: The problem of a row that repeats another.
    """

    name: str
    model: type[Any]
    fields: tuple[str, ...]
    labels: Sequence[Label]
    missing: str
    twice: str
    any: bool = False


PHONES = Kind(
    "phones", PersonPhone, ("number",), PHONE_LABELS,
    _l("Enter a phone number."), _l("This number is entered twice."),
)  # fmt: skip
EMAILS = Kind(
    "emails", PersonEmail, ("email",), ADDRESS_LABELS,
    _l("Enter an e-mail address."), _l("This address is entered twice."),
)  # fmt: skip
ADDRESSES = Kind(
    "addresses", PersonAddress, ("address", "city", "region", "postal_code", "country"),
    ADDRESS_LABELS, _l("Enter an address."), _l("This address is entered twice."), any=True,
)  # fmt: skip
KINDS = (PHONES, EMAILS, ADDRESSES)
PLACES = "accounts"  # the key of a person's accounts in values and in the history


def detail_key(row: Mapping[str, Any]) -> Any:
    """Return a key that equals that of the same number or address in another spelling."""
    if "number" in row:
        return phone_key(row["number"]) or row["number"]
    if "email" in row:
        return mail_key(row["email"]) or row["email"]
    return tuple((value or "").casefold() for name, value in row.items() if name != "label")


def check_details(
    problems: Problems, kind: Kind, entries: Sequence[Entry], person: Person | None
) -> list[dict[str, Any]]:
    """Return the rows of one kind that can be stored; the problems are kept in ``problems``."""
    if len(entries) > MAX_ROWS:
        problems.add(kind.name, _("At most %(count)s are allowed.", count=MAX_ROWS))
        return []
    present = getattr(person, kind.name) if person is not None else ()
    rows: list[dict[str, Any]] = []
    for index, entry in enumerate(entries):
        own = Problems()
        row = {"label": entry.get("label") or kind.labels[0].value}
        if row["label"] not in kind.labels:
            own.add("label", _("Choose one of %(words)s.", words=", ".join(kind.labels)))
        row |= own.clean(
            kind.model, entry, fields=kind.fields, complete=True, row=_unchanged(present, entry)
        )
        if kind.any and not any(row.get(name) for name in kind.fields):
            own.add(kind.fields[0], str(kind.missing))
        elif row in rows:
            own.add(kind.fields[0], str(kind.twice))
        for name, texts in own.errors.items():
            problems.add(f"{kind.name}-{index}-{name}", texts[0])
        rows.append(row)
    return rows


def _unchanged(present: Iterable[Any], entry: Entry) -> Any:
    """Return the stored row that an entry equals, which may break a rule that is newer."""
    for row in present:
        if all(
            (getattr(row, name) or "") == (entry.get(name) or "")
            for name in entry.keys() - {"label"}
        ):
            return row
    return None


def details_of(kind: Kind, person: Person) -> list[dict[str, Any]]:
    """Return the rows of one kind as the history and the forms have them."""
    names = ("label", *kind.fields)
    return [{name: getattr(row, name) for name in names} for row in getattr(person, kind.name)]


def replace_details(
    kind: Kind, person: Person, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Put new rows in the place of the old ones if they differ; return the change."""
    before, after = details_of(kind, person), [dict(row) for row in rows]
    if before == after:
        return {}
    made = [kind.model(position=position, **row) for position, row in enumerate(after, 1)]
    setattr(person, kind.name, made)
    return {kind.name: [before, after]}


@dataclass(frozen=True, slots=True)
class Place:
    """An account that a person is to belong to."""

    account: Account
    title: str | None
    is_main: bool


async def check_places(
    session: AsyncSession, problems: Problems, entries: Sequence[Entry]
) -> list[Place]:
    """Return the accounts that are entered for a person; problems are kept in ``problems``."""
    if len(entries) > MAX_ROWS:
        problems.add(PLACES, _("At most %(count)s are allowed.", count=MAX_ROWS))
        return []
    ids = {entry.get("account_id") for entry in entries} - {None}
    found = await session.scalars(select(Account).where(Account.id.in_(ids))) if ids else ()
    accounts = {account.id: account for account in found}
    for merged in [each for each in accounts.values() if each.merged_into_id is not None]:
        accounts[merged.id] = await session.get_one(Account, merged.merged_into_id)
    places: list[Place] = []
    for index, entry in enumerate(entries):
        own = Problems()
        row = own.clean(Contact, entry, fields=("title",), complete=True)
        account = accounts.get(entry.get("account_id") or 0)
        if account is None:
            own.add("account_id", _("Choose an account."))
        elif account in [place.account for place in places]:
            own.add("account_id", _("This account is entered twice."))
        for name, texts in own.errors.items():
            problems.add(f"{PLACES}-{index}-{name}", texts[0])
        if account is not None:
            places.append(Place(account, row.get("title"), bool(entry.get("is_main"))))
    return places


def places_of(person: Person) -> list[dict[str, Any]]:
    """Return the accounts of a person as the history and the forms have them."""
    return [
        {"account": label(each.account), "title": each.title, "main": each.is_main}
        for each in person.contacts
    ]
