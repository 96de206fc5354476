"""The notes on the page of a record, with a form that adds one."""

from __future__ import annotations

from dataclasses import dataclass

from quart import request
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Note, User
from quarterdeck_crm.notifications.records import Key, Record

from .forms import NoteForm
from .services import list_notes, may_edit, may_remove

MAX_SHOWN = 10  # on the page of a record; the page of its notes has the rest
OPEN = "notes"  # the argument of a page whose notes are unfolded


@dataclass(frozen=True, slots=True)
class NotePanel:
    """The notes on a record.

    Attributes:
        key: The table and the id of the record.
        page: The newest ones; None where a timeline shows them.
        form: Adds a note.
        reader: The user that reads the page.
        is_open: Whether the notes are unfolded.
    """

    key: Key
    page: Pagination[Note] | None
    form: NoteForm
    reader: User
    is_open: bool

    def may_edit(self, note: Note) -> bool:
        """Whether the reader may change the note."""
        return may_edit(self.reader, note)

    def may_remove(self, note: Note) -> bool:
        """Whether the reader may remove the note."""
        return may_remove(self.reader, note)


def notes_of(record: Record, *, reader: User) -> NotePanel:
    """Return the form and the rights for the notes of a record whose timeline shows them."""
    return NotePanel((record.__tablename__, record.id), None, NoteForm(), reader, is_open=True)


async def read_notes(
    session: AsyncSession,
    *,
    reader: User,
    record: Record,
    form: NoteForm | None = None,
    listing: Listing | None = None,
) -> NotePanel:
    """Return the notes on a record.

    Args:
        session: The db session.
        reader: The user that reads the page.
        record: The record.
        form: As it was submitted, if it was.
        listing: The page of notes; the newest ones if not given.
    """
    key = (record.__tablename__, record.id)
    listing = listing or Listing(per_page=MAX_SHOWN)
    page = await list_notes(session, kind=key[0], record_id=key[1], listing=listing)
    return NotePanel(key, page, form or NoteForm(), reader, OPEN in request.args)
