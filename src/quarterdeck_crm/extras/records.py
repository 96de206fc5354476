"""The tags of records: read for a page of them at once, checked, and written with the record.

Services of records pass all values through ``check_extras`` and ``write_extras``, so that forms,
the API and files follow the same rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.history.recording import Changes, flush
from quarterdeck_crm.models import Account, Deal, Good, Order, Person, RecordTag, Tag
from quarterdeck_crm.models.collation import unique_key
from quarterdeck_crm.models.tag import TAG_LENGTH
from quarterdeck_crm.validation import Problems
from quarterdeck_crm.validation.numbers import row_id

from .tags import MAX_TAGS, as_text, names_in, require_room

Record = Account | Deal | Good | Order | Person
FILTERS = ("tag",)
NAMES = ("tags",)  # of the values


@dataclass(frozen=True, slots=True)
class Extras:
    """What some records have beside the columns of their tables.

    Attributes:
        all_tags: Those of the CRM, by name.
        tags: Those of each record, by its id.
    """

    all_tags: Sequence[Tag] = ()
    tags: Mapping[int, Sequence[Tag]] = field(default_factory=dict)

    @property
    def tag_options(self) -> list[tuple[int, str]]:
        """The tags for the filter of a list."""
        return [(tag.id, tag.name) for tag in self.all_tags]

    def tags_of(self, record_id: int) -> Sequence[Tag]:
        return self.tags.get(record_id, ())

    def has_facts(self, record_id: int) -> bool:
        """Whether the page of a record has anything to show."""
        return bool(self.tags_of(record_id))

    def form_data(self, record_id: int) -> dict[str, Any]:
        """Return the values that the form of a record shows."""
        return {"tags": as_text(tag.name for tag in self.tags_of(record_id))}


async def read_extras(
    session: AsyncSession, model: type[Record], ids: Iterable[int] = ()
) -> Extras:
    """Return the tags of some records, and all that there are, in one statement."""
    here = and_(
        RecordTag.tag_id == Tag.id,
        RecordTag.kind == model.__tablename__,
        RecordTag.record_id.in_([*ids]),
    )
    statement = select(Tag, RecordTag.record_id).outerjoin(RecordTag, here).order_by(Tag.name_key)
    tags: dict[int, Tag] = {}
    found: dict[int, list[Tag]] = defaultdict(list)
    for tag, record_id in await session.execute(statement):
        tags[tag.id] = tag
        if record_id is not None:
            found[record_id].append(tag)
    return Extras([*tags.values()][:MAX_TAGS], found)


def extra_conditions(filters: Mapping[str, str], model: type[Record]) -> list[ColumnElement[bool]]:
    """Return the conditions of the filters in ``FILTERS``; ``tag`` is the id of a tag."""
    if not (tag := filters.get("tag")):
        return []
    tagged = select(RecordTag.record_id).where(
        RecordTag.tag_id == (row_id(tag) or 0), RecordTag.kind == model.__tablename__
    )
    return [model.id.in_(tagged)]


async def check_extras(
    session: AsyncSession, problems: Problems, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the extras that a record can have, and keep the problems of the others.

    ``tags`` is a list of names or a text with commas. Names that are new become tags.
    """
    cleaned: dict[str, Any] = {}
    if values.get("tags") is not None:
        with problems.collected("tags"):
            names = names_in(values["tags"])
            known = await _find_tags(session, names)
            if new := [name for name in names if unique_key(name, TAG_LENGTH) not in known]:
                await require_room(session, problems, "tags", len(new))
            cleaned["tags"] = names
    return cleaned


def is_extra(name: str) -> bool:
    """Whether a field of a form belongs to the extras."""
    return name in NAMES


def take_extras(cleaned: dict[str, Any]) -> dict[str, Any]:
    """Remove the extras from checked values, and return them for ``write_extras``."""
    return {name: cleaned.pop(name) for name in NAMES if name in cleaned}


async def write_extras(session: AsyncSession, record: Record, extras: Mapping[str, Any]) -> Changes:
    """Write checked extras of a record that has an id, and return the changes for its history.

    Raises:
        ClashError: If another save added one of the new tags at the same moment.
    """
    if "tags" not in extras:
        return {}
    with session.no_autoflush:
        present = {tag.id: tag for tag in await tags_of(session, record)}
        wanted = await _make_tags(session, record, extras["tags"])
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
            await session.execute(insert(RecordTag), rows)
    if present.keys() == wanted.keys():
        return {}
    return {"tags": [_text(present.values()), _text(wanted.values())]}


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
    new = [Tag(name=name) for name in names if unique_key(name, TAG_LENGTH) not in known]
    if new:
        session.add_all(new)
        await flush(session, record)
    return {tag.id: tag for tag in [*known.values(), *new]}


def _text(tags: Iterable[Tag]) -> str | None:
    return as_text(tag.name for tag in sorted(tags, key=lambda tag: tag.name_key)) or None
