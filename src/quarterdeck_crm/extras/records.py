"""The tags and custom fields of records: checked and written, and the conditions of filters.

Services of records pass all values through ``check_extras`` and ``write_extras``, so that forms,
the API and files follow the same rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ClashError, StaleError
from quarterdeck_crm.history.recording import STALE, Changes, flush
from quarterdeck_crm.models import (
    CustomValue,
    FieldType,
    RecordTag,
    Tag,
)
from quarterdeck_crm.models.collation import unique_key
from quarterdeck_crm.models.tag import TAG_LENGTH
from quarterdeck_crm.validation import Problems
from quarterdeck_crm.validation.numbers import row_id

from .definitions import cached_fields
from .reading import Record, read_extras
from .tags import as_text, names_in, require_room
from .values import (
    PREFIX,
    check_values,
    given_fields,
    read_filter,
    read_values,
    store_values,
    value_of,
)

FILTERS = ("tag", "field")
NAMES = ("tags", "fields")  # of checked values


async def extra_conditions(
    session: AsyncSession, filters: Mapping[str, str], model: type[Record]
) -> list[ColumnElement[bool]]:
    """Return the conditions of the filters in ``FILTERS``.

    ``tag`` is the id of a tag, ``field`` the key of a custom field with a value; see
    ``values.read_filter``.

    Raises:
        ValidationError: If the field is unknown, or its value cannot be read.
    """
    found: list[ColumnElement[bool]] = []
    if tag := filters.get("tag"):
        tagged = select(RecordTag.record_id).where(
            RecordTag.tag_id == (row_id(tag) or 0), RecordTag.kind == model.__tablename__
        )
        found.append(model.id.in_(tagged))
    if text := filters.get("field"):
        wanted = await read_filter(session, model.__tablename__, text)
        column = getattr(CustomValue, wanted.column)
        having = select(CustomValue.record_id).where(
            CustomValue.field_id == wanted.field_id, column.between(wanted.first, wanted.last)
        )
        found.append(model.id.in_(having))
    return found


async def check_extras(
    session: AsyncSession,
    problems: Problems,
    values: Mapping[str, Any],
    model: type[Record],
    record: Record | None,
) -> dict[str, Any]:
    """Return the extras that a record can have, and keep the problems of the others.

    Args:
        session: The db session.
        problems: Those of the record.
        values: ``tags`` is a list of names or a text with commas; names that are new become
            tags. ``fields`` has the values of custom fields by key; forms have them as
            ``fields.KEY``. ``fields`` is None for a record that the system makes: then no field
            is required.
        model: The kind of the record.
        record: The record that is edited; None for a new one.
    """
    cleaned: dict[str, Any] = {}
    if values.get("tags") is not None:
        with problems.collected("tags"):
            names = names_in(values["tags"])
            known = await _find_tags(session, names)
            if new := [name for name in names if unique_key(name, TAG_LENGTH) not in known]:
                await require_room(session, problems, "tags", len(new))
            cleaned["tags"] = names
    given = given_fields(values)
    is_new = record is None and values.get("fields", given) is not None
    if given or is_new:
        kind = model.__tablename__
        fields = await cached_fields(session, kind)
        rows = await read_values(session, kind, record.id) if record is not None else {}
        present = {each.id: value_of(each, rows[each.id]) for each in fields if each.id in rows}
        found = check_values(problems, fields, given, present=present, complete=is_new)
        if found:
            cleaned["fields"] = {each: found[each.id] for each in fields if each.id in found}
    return cleaned


def is_extra(name: str) -> bool:
    """Whether a field of a form belongs to the extras."""
    return name in NAMES or name.startswith(PREFIX)


def take_extras(cleaned: dict[str, Any]) -> dict[str, Any]:
    """Remove the extras from checked values, and return them for ``write_extras``."""
    return {name: cleaned.pop(name) for name in NAMES if name in cleaned}


async def write_extras(session: AsyncSession, record: Record, extras: Mapping[str, Any]) -> Changes:
    """Write checked extras of a record that has an id, and return the changes for its history.

    Raises:
        ClashError: If one of the tags was removed at the same moment.
        StaleError: If another save gave the record one of the tags at the same moment.
    """
    changes: Changes = {}
    with session.no_autoflush:
        if "tags" in extras:
            changes = await _write_tags(session, record, extras["tags"])
        if "fields" in extras:
            changes |= await store_values(
                session, record.__tablename__, record.id, extras["fields"]
            )
    return changes


async def _write_tags(session: AsyncSession, record: Record, names: Sequence[str]) -> Changes:
    present = {tag.id: tag for tag in await tags_of(session, record)}
    wanted = await _make_tags(session, record, names)
    kind = record.__tablename__
    if gone := present.keys() - wanted.keys():
        await session.execute(
            delete(RecordTag).where(
                RecordTag.kind == kind,
                RecordTag.record_id == record.id,
                RecordTag.tag_id.in_(gone),
            )
        )
    if new := wanted.keys() - present.keys():
        rows = [{"kind": kind, "record_id": record.id, "tag_id": id_} for id_ in sorted(new)]
        try:
            await session.execute(insert(RecordTag), rows)
        except IntegrityError:
            await _explain_refusal(session, record, new)
            raise
    if present.keys() == wanted.keys():
        return {}
    return {"tags": [_text(present.values()), _text(wanted.values())]}


async def _explain_refusal(session: AsyncSession, record: Record, ids: Collection[int]) -> None:
    """Raise the reason why the database refused tags that were there a moment before."""
    present = await session.scalars(select(Tag.id).where(Tag.id.in_(ids)))
    if set(ids) - set(present):
        raise ClashError(
            _("A tag was removed at the same moment. Nothing was saved. Save again.")
        ) from None
    raise StaleError(STALE[record.__tablename__]) from None


async def tags_of(session: AsyncSession, record: Record) -> Sequence[Tag]:
    """Return the tags of a record by name."""
    joined = and_(
        RecordTag.tag_id == Tag.id,
        RecordTag.kind == record.__tablename__,
        RecordTag.record_id == record.id,
    )
    statement = select(Tag).join(RecordTag, joined).order_by(Tag.name_key)
    return (await session.scalars(statement)).all()


async def tags_with(
    session: AsyncSession, record: Record, *, add: str = "", remove: str = ""
) -> list[str]:
    """Return the names of the tags that a record has after one is added or removed.

    Give them as ``values={"tags": ...}`` to the service that updates the record.
    """
    gone = unique_key(remove, TAG_LENGTH)
    names = [tag.name for tag in await tags_of(session, record) if tag.name_key != gone]
    return [*names, add] if add else names


async def _find_tags(session: AsyncSession, names: Iterable[str]) -> dict[str, Tag]:
    keys = [unique_key(name, TAG_LENGTH) for name in names]
    if not keys:
        return {}
    found = await session.scalars(select(Tag).where(Tag.name_key.in_(keys)))
    return {tag.name_key: tag for tag in found}


async def _make_tags(session: AsyncSession, record: Record, names: Sequence[str]) -> dict[int, Tag]:
    known = await _find_tags(session, names)
    for name in names:
        if (key := unique_key(name, TAG_LENGTH)) not in known:
            known[key] = await _make_tag(session, record, name)
    return {tag.id: tag for tag in known.values()}


async def _make_tag(session: AsyncSession, record: Record, name: str) -> Tag:
    """Return a new tag, or that which another save has added at the same moment."""
    tag = Tag(name=name)
    try:
        async with session.begin_nested():
            session.add(tag)
            await flush(session, record)
    except ClashError:
        if found := await _find_tags(session, [name]):
            (tag,) = found.values()
            return tag
        raise
    return tag


def _text(tags: Iterable[Tag]) -> str | None:
    return as_text(tag.name for tag in sorted(tags, key=lambda tag: tag.name_key)) or None


async def values_for_copy(session: AsyncSession, record: Record) -> dict[str, Any]:
    """Return the extras of a record as values for a new one of its kind.

    A choice that is no longer offered is left out, and no field is required.
    """
    extras = await read_extras(session, type(record), [record.id])
    values = extras.values_of(record.id)
    gone = {each.key for each in extras.fields if each.type is FieldType.CHOICE} & {
        each.key for each in extras.fields if values.get(each.key) not in each.options
    }
    kept = {key: value for key, value in values.items() if key not in gone}
    names = [tag.name for tag in extras.tags_of(record.id)]
    return {"tags": names, "fields": None} | {f"{PREFIX}{key}": kept[key] for key in kept}
