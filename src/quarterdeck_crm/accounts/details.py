"""Contacts of an account: rules and queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.history.recording import Changes, flush, record, require_version, store
from quarterdeck_crm.listing import Listing, paginate
from quarterdeck_crm.models import (
    Account,
    Contact,
    Person,
    PersonEmail,
    PersonPhone,
    User,
)
from quarterdeck_crm.people.parts import EMAILS, PHONES, PLACES, details_of, places_of
from quarterdeck_crm.people.places import note
from quarterdeck_crm.people.services import tell_accounts
from quarterdeck_crm.permissions import require_edit
from quarterdeck_crm.search.autocomplete import label
from quarterdeck_crm.search.merges import hold
from quarterdeck_crm.validation import Problems, fit_optional

CONTACT_FIELDS = ("name", "title", "email", "phone", "fax")
REACHED_BY = {"email": PersonEmail.email, "phone": PersonPhone.number, "fax": PersonPhone.number}
MAX_SHOWN = 50  # contacts on the page of an account


async def list_contacts(
    session: AsyncSession, *, account: Account, listing: Listing
) -> Pagination[Contact]:
    """Return a page of the people at an account, by name."""
    statement = _contacts(account).join(Contact.person)
    by: list[ColumnElement[Any]] = [Person.name_key.asc(), Contact.id.asc()]
    return await paginate(session, statement, listing, by=by, position=_by_name)


async def read_contacts(session: AsyncSession, *, account: Account) -> Sequence[Contact]:
    """Return the people at an account: the main contact, then the others by name.

    Archived people come last.
    """
    archived = Person.archived_at.is_not(None)
    order = (archived, Contact.main.is_(None), Person.name_key, Contact.id)
    statement = _contacts(account).join(Contact.person).order_by(*order).limit(MAX_SHOWN)
    return (await session.scalars(statement)).all()


async def get_contact(session: AsyncSession, *, account: Account, contact_id: int) -> Contact:
    """Return a contact of an account.

    Raises:
        NotFoundError: If the account has none of that id.
    """
    statement = (
        select(Person)
        .join(Person.contacts)
        .where(Contact.id == contact_id, Contact.account_id == account.id)
        .options(
            selectinload(Person.phones),
            selectinload(Person.emails),
            selectinload(Person.contacts).joinedload(Contact.account),
        )
        .execution_options(populate_existing=True)
    )
    person = await session.scalar(statement)
    if person is None:
        raise NotFoundError(_("There is no such contact. It may have been removed."))
    contact = next(each for each in person.contacts if each.id == contact_id)
    set_committed_value(contact, "person", person)
    return contact


async def add_contact(
    session: AsyncSession, *, actor: User | None, account: Account, values: Mapping[str, Any]
) -> Contact:
    """Add a new person to an account.

    Raises:
        ForbiddenError: If the actor may not edit the account.
        MergedError: If the account has become part of another one.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, account)
    cleaned = check_contact(values)
    await hold(session, account)
    person = Person(phones=[], emails=[], addresses=[], contacts=[])
    contact = Contact(account_id=account.id, person=person)
    for name, value in cleaned.items():
        setattr(contact, name, value)
    session.add(contact)
    await flush(session, person)
    record(session, actor=actor, subject=person, action="created")
    note(session, actor, account, "contact added", [None, contact.name])
    return contact


async def update_contact(
    session: AsyncSession,
    *,
    actor: User | None,
    account: Account,
    contact: Contact,
    values: Mapping[str, Any],
    version: int | None = None,
) -> Contact:
    """Change a person of an account; names not in ``values`` stay.

    Phone, fax and e-mail address are the first ones of the person.

    Raises:
        ForbiddenError: If the actor may not edit the account.
        StaleError: If ``version`` is given and another save came after it.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, account)
    person = contact.person
    if version is not None:
        require_version(person, version)
    cleaned = check_contact(values, contact)
    name = {"name": cleaned.pop("name")} if "name" in cleaned else {}
    earlier = _parts_of(person)
    for field, value in cleaned.items():
        if getattr(contact, field) != value:
            setattr(contact, field, value)
    later = _parts_of(person)
    parts = {key: [earlier[key], later[key]] for key in later if earlier[key] != later[key]}
    if await store(session, actor=actor, row=person, values=name, also=parts):
        tell_accounts(session, actor, person, [each.account for each in person.contacts])
    return contact


def _parts_of(person: Person) -> dict[str, Any]:
    return {kind.name: details_of(kind, person) for kind in (PHONES, EMAILS)} | {
        PLACES: places_of(person)
    }


def contact_changes(account: Account, changes: Changes) -> Changes:
    """Return the earlier values of a person as those of its contact at an account."""
    values = {name: value for name, value in changes.items() if name in CONTACT_FIELDS}
    if PHONES.name in changes:
        person = Person(phones=[PersonPhone(**row) for row in changes[PHONES.name]])
        values |= {"phone": person.phone, "fax": person.fax}
    if EMAILS.name in changes:
        values["email"] = next((row["email"] for row in changes[EMAILS.name]), None)
    for row in changes.get(PLACES, ()):
        if row["account"] == label(account):
            values["title"] = row["title"]
    return values


def check_contact(values: Mapping[str, Any], contact: Contact | None = None) -> dict[str, Any]:
    """Return values that a contact, new or edited, can have.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    is_new = contact is None
    person = contact.person if contact is not None else None
    cleaned = problems.clean(Person, values, fields=("name",), complete=is_new, row=person)
    cleaned |= problems.clean(Contact, values, fields=("title",), complete=is_new, row=contact)
    for name, column in REACHED_BY.items():
        if name in values:
            with problems.collected(name):
                present = getattr(contact, name) if contact is not None else None
                cleaned[name] = fit_optional(column, values[name], present=present)
    problems.raise_if_any()
    return cleaned


async def remove_contact(
    session: AsyncSession, *, actor: User | None, account: Account, contact: Contact
) -> None:
    """Remove a person from an account. The person stays in the list of people.

    Raises:
        ForbiddenError: If the actor may not edit the account.
    """
    require_edit(actor, account)
    person = contact.person
    before = places_of(person)
    person.contacts.remove(contact)
    changes = {PLACES: [before, places_of(person)]}
    await store(session, actor=actor, row=person, values={}, also=changes)
    note(session, actor, account, "contact removed", [person.name, None])


def _contacts(account: Account) -> Select[Contact]:
    people = contains_eager(Contact.person)
    details = people.options(selectinload(Person.phones), selectinload(Person.emails))
    return select(Contact).where(Contact.account_id == account.id).options(details)


def _by_name(contact: Contact) -> tuple[str, int]:
    return contact.person.name_key, contact.id
