"""Export of notes, each with the record that it is about."""

from __future__ import annotations

from sqlalchemy import and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.lists.selection import Selection
from quarterdeck_crm.models import Account, Deal, Note, Order, Person, Task, User

from .exporting import Chunks, Progress, stream
from .tables import NOTES

_NAMES = {
    Account: func.coalesce(Account.code, Account.reference),
    Deal: Deal.reference,
    Order: Order.number,
    Person: Person.reference,
    Task: Task.reference,
}


def export_notes(
    session: AsyncSession, progress: Progress | None = None, chosen: Selection | None = None
) -> Chunks:
    """Return the notes as CSV, without those that were removed."""
    names = {model.__tablename__: name for model, name in _NAMES.items()}
    statement = select(
        Note.reference, Note.subject_type, case(names, value=Note.subject_type), User.email,
        Note.created_at, Note.edited_at, Note.body,
    ).outerjoin(Note.author)  # fmt: skip
    for model in _NAMES:
        id_ = model.__table__.c.id
        is_its = and_(Note.subject_type == model.__tablename__, Note.subject_id == id_)
        statement = statement.outerjoin(model, is_its)
    present = Note.removed_at.is_(None)
    return stream(
        session, NOTES, statement.where(present).order_by(Note.id), Note.id, progress, chosen
    )
