"""The notes on a record, with a form that adds one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Note, User
from quarterdeck_crm.notifications.records import Key, Record

from .forms import NoteForm
from .services import list_notes, may_edit, may_remove


@dataclass(frozen=True, slots=True)
class NotePanel:
    """The notes on a record.

    Attributes:
        key: The table and the id of the record.
        page: A page of them; None where a timeline shows them.
        form: Adds a note.
        reader: The user that reads the page.
    """

    key: Key
    page: Pagination[Note] | None
    form: NoteForm
    reader: User

    def may_edit(self, note: Note) -> bool:
        """Whether the reader may change the note."""
        return may_edit(self.reader, note)

    def may_remove(self, note: Note) -> bool:
        """Whether the reader may remove the note."""
        return may_remove(self.reader, note)


def notes_of(record: Record, *, reader: User) -> NotePanel:
    """Return the form and the rights for the notes of a record whose timeline shows them."""
    return NotePanel((record.__tablename__, record.id), None, NoteForm(), reader)


async def read_notes(
    session: AsyncSession,
    *,
    reader: User,
    record: Record,
    listing: Listing,
    form: NoteForm | None = None,
) -> NotePanel:
    """Return a page of the notes on a record.

    Args:
        session: The db session.
        reader: The user that reads the page.
        record: The record.
        listing: The page.
        form: As it was submitted, if it was.
    """
    key = (record.__tablename__, record.id)
    page = await list_notes(session, kind=key[0], record_id=key[1], listing=listing)
    return NotePanel(key, page, form or NoteForm(), reader)
