"""Contacts and notes of an account: rules and queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.activity import flush, record, require_version, store
from quarterdeck_crm.errors import ForbiddenError, NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Contact, Note, Role, User
from quarterdeck_crm.ownership import require_edit
from quarterdeck_crm.values import clean

CONTACT_FIELDS = ("name", "title", "email", "phone", "fax")


async def list_contacts(
    session: AsyncSession, *, account: Account, page: int, per_page: int
) -> Pagination[Contact]:
    """Return a page of the people at an account, by name."""
    statement = select(Contact).where(Contact.account_id == account.id)
    return await db.paginate(
        statement.order_by(Contact.name, Contact.id), page=page, per_page=per_page, session=session
    )


async def get_contact(session: AsyncSession, *, account: Account, contact_id: int) -> Contact:
    """Return a contact of an account.

    Raises:
        NotFoundError: If the account has none of that id.
    """
    statement = select(Contact).where(Contact.id == contact_id, Contact.account_id == account.id)
    contact = await session.scalar(statement.execution_options(populate_existing=True))
    if contact is None:
        raise NotFoundError("There is no such contact. It may have been removed.")
    return contact


async def add_contact(
    session: AsyncSession, *, actor: User | None, account: Account, values: Mapping[str, Any]
) -> Contact:
    """Add a person to an account.

    Raises:
        ForbiddenError: If the account belongs to somebody else.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, account)
    cleaned = clean(Contact, values, fields=CONTACT_FIELDS, complete=True)
    contact = Contact(account_id=account.id, **cleaned)
    session.add(contact)
    await flush(session, contact)
    changes = {"contact": [None, contact.name]}
    record(session, actor=actor, subject=account, action="contact added", changes=changes)
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

    Raises:
        ForbiddenError: If the account belongs to somebody else.
        StaleError: If somebody changed the contact since ``version``, when that is given.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, account)
    if version is not None:
        require_version(contact, version)
    cleaned = clean(Contact, values, fields=CONTACT_FIELDS)
    if await store(session, actor=actor, row=contact, values=cleaned):
        changes = {"contact": [None, contact.name]}
        record(session, actor=actor, subject=account, action="contact changed", changes=changes)
    return contact


async def remove_contact(
    session: AsyncSession, *, actor: User | None, account: Account, contact: Contact
) -> None:
    """Remove a person from an account; the history keeps the name.

    Raises:
        ForbiddenError: If the account belongs to somebody else.
    """
    require_edit(actor, account)
    await session.delete(contact)
    await flush(session, contact)
    changes = {"contact": [contact.name, None]}
    record(session, actor=actor, subject=account, action="contact removed", changes=changes)


async def add_note(
    session: AsyncSession, *, actor: User | None, account: Account, body: str
) -> Note:
    """Write something down about an account; everybody may.

    Raises:
        ValidationError: If the text is empty or too long.
    """
    cleaned = clean(Note, {"body": body}, fields=("body",), complete=True)
    note = Note(account_id=account.id, author_id=actor.id if actor else None, **cleaned)
    session.add(note)
    record(session, actor=actor, subject=account, action="note added")
    return note


async def remove_note(
    session: AsyncSession, *, actor: User | None, account: Account, note_id: int
) -> None:
    """Remove a note: people may remove their own, administrators all.

    Raises:
        NotFoundError: If the account has no note of that id.
        ForbiddenError: If somebody else wrote it.
    """
    statement = select(Note).where(Note.id == note_id, Note.account_id == account.id)
    note = await session.scalar(statement)
    if note is None:
        raise NotFoundError("There is no such note. It may have been removed.")
    if not (actor is None or note.author_id == actor.id or actor.role.includes(Role.ADMIN)):
        raise ForbiddenError("Only the person who wrote a note can remove it.")
    await session.delete(note)
    record(session, actor=actor, subject=account, action="note removed")
