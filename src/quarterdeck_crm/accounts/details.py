"""Contacts and notes of an account: rules and queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ForbiddenError, NotFoundError
from quarterdeck_crm.history.recording import flush, record, require_version, store
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing, paginate
from quarterdeck_crm.models import Account, AuditAction, Contact, Note, Role, User
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.permissions import require_edit
from quarterdeck_crm.validation import clean

NOTE_GONE = _l("There is no such note. It may have been removed.")
CONTACT_FIELDS = ("name", "title", "email", "phone", "fax")


async def list_contacts(
    session: AsyncSession, *, account: Account, listing: Listing
) -> Pagination[Contact]:
    """Return a page of the people at an account, by name."""
    statement = select(Contact).where(Contact.account_id == account.id)
    return await paginate(
        session, statement, listing, by=[Contact.name_key.asc(), Contact.id.asc()]
    )


async def get_contact(session: AsyncSession, *, account: Account, contact_id: int) -> Contact:
    """Return a contact of an account.

    Raises:
        NotFoundError: If the account has none of that id.
    """
    statement = select(Contact).where(Contact.id == contact_id, Contact.account_id == account.id)
    contact = await session.scalar(statement.execution_options(populate_existing=True))
    if contact is None:
        raise NotFoundError(_("There is no such contact. It may have been removed."))
    return contact


async def add_contact(
    session: AsyncSession, *, actor: User | None, account: Account, values: Mapping[str, Any]
) -> Contact:
    """Add a person to an account.

    Raises:
        ForbiddenError: If the actor may not edit the account.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, account)
    cleaned = check_contact(values)
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
        ForbiddenError: If the actor may not edit the account.
        StaleError: If ``version`` is given and another save came after it.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, account)
    if version is not None:
        require_version(contact, version)
    cleaned = check_contact(values, contact)
    if await store(session, actor=actor, row=contact, values=cleaned):
        changes = {"contact": [None, contact.name]}
        record(session, actor=actor, subject=account, action="contact changed", changes=changes)
    return contact


def check_contact(values: Mapping[str, Any], contact: Contact | None = None) -> dict[str, Any]:
    """Return values that a contact, new or edited, can have.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    is_new = contact is None
    return clean(Contact, values, fields=CONTACT_FIELDS, complete=is_new, row=contact)


def check_note(body: str) -> dict[str, Any]:
    """Return the values of a note.

    Raises:
        ValidationError: If the text is empty, too long, or has control characters.
    """
    return clean(Note, {"body": body}, fields=("body",), complete=True)


async def remove_contact(
    session: AsyncSession, *, actor: User | None, account: Account, contact: Contact
) -> None:
    """Remove a person from an account; the history keeps the name.

    Raises:
        ForbiddenError: If the actor may not edit the account.
    """
    require_edit(actor, account)
    await session.delete(contact)
    await flush(session, contact)
    subject = f"contact {contact.name}"
    detail = {"account": account.name}
    await record_audit(session, AuditAction.DELETED, actor=actor, subject=subject, detail=detail)
    changes = {"contact": [contact.name, None]}
    record(session, actor=actor, subject=account, action="contact removed", changes=changes)


async def add_note(
    session: AsyncSession, *, actor: User | None, account: Account, body: str
) -> Note:
    """Add a note to an account; every signed-in user may.

    Raises:
        ValidationError: If the text is empty or too long.
    """
    cleaned = check_note(body)
    note = Note(account_id=account.id, author_id=actor.id if actor else None, **cleaned)
    session.add(note)
    record(session, actor=actor, subject=account, action="note added")
    return note


async def remove_note(
    session: AsyncSession, *, actor: User | None, account: Account, note_id: int
) -> None:
    """Remove a note: users may remove their own, administrators all.

    Raises:
        NotFoundError: If the account has no note of that id.
        ForbiddenError: If the actor is neither its author nor an administrator.
    """
    statement = select(Note).where(Note.id == note_id, Note.account_id == account.id)
    note = await session.scalar(statement)
    if note is None:
        raise NotFoundError(NOTE_GONE)
    if not (actor is None or note.author_id == actor.id or actor.role.includes(Role.ADMIN)):
        raise ForbiddenError(_("Only its author or an administrator can remove a note."))
    if not await changes_one(session, delete(Note).where(Note.id == note_id)):
        raise NotFoundError(NOTE_GONE)
    subject, detail = f"note {note_id}", {"account": account.name}
    await record_audit(session, AuditAction.DELETED, actor=actor, subject=subject, detail=detail)
    record(session, actor=actor, subject=account, action="note removed")
