"""The part of a timeline that a request asks for."""

from __future__ import annotations

from quart import request
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.validation.numbers import row_id

from .recording import Subject
from .timeline import Timeline, read_timeline, read_timeline_at


async def asked_timeline(session: AsyncSession, subject: Subject) -> Timeline:
    """Return the page of a record's timeline that the URL names.

    ``show`` filters, and ``before`` leads to older pages. ``note`` is the id of a note that the
    page has to show, whatever the other two are.
    """
    args = request.args
    if note_id := row_id(args.get("note", "")):
        return await read_timeline_at(session, subject, note_id=note_id)
    return await read_timeline(
        session, subject, show=args.get("show", ""), before=args.get("before", "")
    )
