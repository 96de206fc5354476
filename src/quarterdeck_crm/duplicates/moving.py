"""Give everything that points to one record to another one, with a few statements for each table.

Tables with a foreign key are found by their models, so that a table that is added later moves
too. Those that name a record by kind and id are listed in ``BY_KIND``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.extensions import Model
from quarterdeck_crm.models import (
    Account,
    Activity,
    Contact,
    CustomValue,
    DuplicatePair,
    Note,
    Notification,
    Order,
    Person,
    PersonAddress,
    PersonEmail,
    PersonPhone,
    RecordTag,
)
from quarterdeck_crm.models.columns import Versioned, utc_now
from quarterdeck_crm.orders.sums import note_changes
from quarterdeck_crm.search.saved_filters import follow_in_views

Merged = Account | Person
BY_KIND = (Note, Notification, Activity)
# Moved by rules of their own.
OWN_RULES = {Contact, PersonAddress, PersonEmail, PersonPhone}
QUIET: dict[str, Any] = {"synchronize_session": False}


async def move_everything(session: AsyncSession, *, keep: Merged, other: Merged) -> None:
    """Give to ``keep`` all that belongs to ``other``; the caller has locked both."""
    if isinstance(other, Account):
        # A locking read sees orders that came while the merge waited for the account.
        theirs = select(Order.id).where(Order.account_id == other.id).with_for_update()
        await note_changes(session, (await session.scalars(theirs)).all())
    await follow_in_views(session, keep.__tablename__, {other.id: keep.id})
    await _move_places(session, keep, other)
    await _move_references(session, keep, other)
    kind = keep.__tablename__
    for model in BY_KIND:
        values: dict[str, Any] = {"subject_id": keep.id}
        if model is Activity:
            # The versions are those of the other record: edits must not count them as theirs.
            values["changes"] = func.json_remove(Activity.changes, "$.version")
        of_other = model.subject_type == kind, model.subject_id == other.id
        await session.execute(
            update(model).where(*of_other).values(values), execution_options=QUIET
        )
    await _move_extras(session, kind, keep.id, other.id)
    for column in (DuplicatePair.first_id, DuplicatePair.second_id):
        pairs = delete(DuplicatePair).where(DuplicatePair.subject_type == kind, column == other.id)
        await session.execute(pairs, execution_options=QUIET)


def referring(target: type[Merged] | type[Contact]) -> list[tuple[type[Any], Any]]:
    """Return the models with a foreign key to a table, each with the column."""
    found = []
    for mapper in Model.registry.mappers:
        for column in mapper.local_table.columns:
            targets = {key.column.table for key in column.foreign_keys}
            if target.__table__ in targets and mapper.class_ not in OWN_RULES:
                attribute = mapper.get_property_by_column(column).key
                found.append((mapper.class_, getattr(mapper.class_, attribute)))
    return found


async def _move_references(session: AsyncSession, keep: Merged, other: Merged) -> None:
    for model, column in referring(type(other)):
        if column.key == "merged_into_id":
            values: dict[str, Any] = {}  # those that became part of the other one earlier
        else:
            values = _new_version(model)
        moved = update(model).where(column == other.id).values({column.key: keep.id, **values})
        await session.execute(moved, execution_options=QUIET)


def _new_version(model: type[Any]) -> dict[str, Any]:
    """Return the values that let an edit of the row, which is under way, notice the change."""
    if not issubclass(model, Versioned):
        return {}
    return {"version": model.version + 1, "updated_at": utc_now()}


async def _move_places(session: AsyncSession, keep: Merged, other: Merged) -> None:
    """Move the places of people at accounts; of two at the same account stays that of ``keep``.

    It becomes the main contact if the other one was and ``keep`` has none, and takes its title
    if it has none.
    """
    if isinstance(keep, Account):
        mine, partner = Contact.account_id, Contact.person_id
        at_other = select(Contact.person_id).where(Contact.account_id == other.id)
        people = update(Person).where(Person.id.in_(at_other)).values(_new_version(Person))
        await session.execute(people, execution_options=QUIET)
    else:
        mine, partner = Contact.person_id, Contact.account_id
    columns = mine, partner, Contact.id, Contact.main, Contact.title
    rows = select(*columns).where(mine.in_([keep.id, other.id]))
    kept: dict[int, Any] = {}
    gone: dict[int, Any] = {}
    for owner, at, *place in await session.execute(rows):
        (kept if owner == keep.id else gone)[at] = place
    has_main = isinstance(keep, Account) and any(main for _id, main, _title in kept.values())
    twice = [(place, kept[at]) for at, place in gone.items() if at in kept]
    if twice:
        ids = {place[0]: stays[0] for place, stays in twice}
        await _replace_contacts(session, ids)
        await follow_in_views(session, "contact", ids)
        await session.execute(delete(Contact).where(Contact.id.in_(ids)), execution_options=QUIET)
    for (_id, main, title), (stays, was_main, own_title) in twice:
        now_main = was_main or (None if has_main else main)
        if (now_main, own_title or title) != (was_main, own_title):
            values = {"main": now_main, "title": own_title or title}
            filled = update(Contact).where(Contact.id == stays).values(values)
            await session.execute(filled, execution_options=QUIET)
    if has_main:
        one_main = update(Contact).where(Contact.account_id == other.id).values(main=None)
        await session.execute(one_main, execution_options=QUIET)
    moved = update(Contact).where(mine == other.id).values({mine.key: keep.id})
    await session.execute(moved, execution_options=QUIET)


async def _replace_contacts(session: AsyncSession, ids: Mapping[int, int]) -> None:
    for model, column in referring(Contact):
        values = {column.key: case(dict(ids), value=column), **_new_version(model)}
        moved = update(model).where(column.in_(ids)).values(values)
        await session.execute(moved, execution_options=QUIET)


async def _move_extras(session: AsyncSession, kind: str, keep_id: int, other_id: int) -> None:
    """Move the tags and the fields of administrators that ``keep`` has not; forget the others."""
    for model, key in ((RecordTag, RecordTag.tag_id), (CustomValue, CustomValue.field_id)):
        present = select(key).where(model.kind == kind, model.record_id == keep_id)
        own = (await session.scalars(present)).all()
        of_other = model.kind == kind, model.record_id == other_id
        moved = update(model).where(*of_other, key.not_in(own)).values(record_id=keep_id)
        await session.execute(moved, execution_options=QUIET)
        await session.execute(delete(model).where(*of_other), execution_options=QUIET)
