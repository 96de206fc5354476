"""The accounts of a person: the right to change them, and the one main contact of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ForbiddenError
from quarterdeck_crm.history.recording import flush, record
from quarterdeck_crm.models import Account, Contact, Person, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.permissions import may_edit
from quarterdeck_crm.search.merges import hold

from .parts import PLACES, Place, places_of


async def account_names(session: AsyncSession, people: Sequence[Person]) -> dict[int, list[str]]:
    """Return the names of the accounts of people, by the id of the person."""
    statement = (
        select(Contact.person_id, Account.name)
        .join(Contact.account)
        .where(Contact.person_id.in_([person.id for person in people]))
        .order_by(Account.name_key, Account.id)
    )
    names: dict[int, list[str]] = {}
    for person_id, name in await session.execute(statement) if people else ():
        names.setdefault(person_id, []).append(name)
    return names


async def set_places(
    session: AsyncSession, *, actor: User | None, person: Person, places: Sequence[Place]
) -> dict[str, Any]:
    """Let a person belong to exactly these accounts; return the change.

    An account has one main contact: the person takes the place of another one.

    Raises:
        ForbiddenError: If the actor may not edit an account that comes, goes or changes.
    """
    before = places_of(person)
    wanted = {place.account.id: place for place in places}
    for gone in [each for each in person.contacts if each.account_id not in wanted]:
        _remove(session, actor, gone)
    present = {contact.account_id: contact for contact in person.contacts}
    for place in places:
        contact = present.get(place.account.id)
        if contact is not None and (contact.title, contact.is_main) == (place.title, place.is_main):
            continue
        _require_account(actor, place.account)
        if place.is_main and not (contact is not None and contact.is_main):
            await clear_main(session, place.account)
            note(session, actor, place.account, "main contact", [None, person.name])
        if contact is None:
            await hold(session, place.account)
            contact = Contact(account=place.account, person_id=person.id)
            person.contacts.append(contact)
            note(session, actor, place.account, "contact added", [None, person.name])
        contact.title, contact.main = place.title, place.is_main or None
    after = places_of(person)
    return {} if before == after else {PLACES: [before, after]}


def _require_account(actor: User | None, account: Account) -> None:
    """Refuse to change the contacts of an account of another user, by its name."""
    if not may_edit(actor, account):
        raise ForbiddenError(
            _(
                "The contacts of %(name)s belong to another user. Ask the owner of the account "
                "or a moderator to change them.",
                name=account.name,
            )
        )


def _remove(session: AsyncSession, actor: User | None, contact: Contact) -> None:
    _require_account(actor, contact.account)
    note(session, actor, contact.account, "contact removed", [contact.person.name, None])
    contact.person.contacts.remove(contact)


async def clear_main(session: AsyncSession, account: Account) -> None:
    """Let an account have no main contact, so that another one can become it."""
    statement = select(Contact).where(Contact.account_id == account.id, Contact.main.is_(True))
    found = await session.scalar(statement.options(joinedload(Contact.person)))
    if found is not None:
        found.main = None
        found.person.updated_at = utc_now()  # a new version, because the place has changed
        await flush(session, found.person)


def note(
    session: AsyncSession, actor: User | None, account: Account, action: str, change: list[Any]
) -> None:
    """Write a line about a contact into the history of an account."""
    record(session, actor=actor, subject=account, action=action, changes={"contact": change})
