"""The part of a timeline that a request asks for."""

from __future__ import annotations

from quart import request
from sqlalchemy.ext.asyncio import AsyncSession

from .recording import Subject
from .timeline import Timeline, read_timeline


async def asked_timeline(session: AsyncSession, subject: Subject) -> Timeline:
    """Return the page of a record's timeline that ``show`` and ``before`` of the URL name."""
    args = request.args
    return await read_timeline(
        session, subject, show=args.get("show", ""), before=args.get("before", "")
    )
