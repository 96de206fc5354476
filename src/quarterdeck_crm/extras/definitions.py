"""The tags and the custom fields in use, from the cache: most pages need them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.cache.entries import cached
from quarterdeck_crm.models import CustomField, FieldType, Tag, TagColour

from .fields import MAX_FIELDS
from .tags import MAX_TAGS


class TagRow(Struct, frozen=True):
    """A tag that nobody changes, as opposed to ``Tag``."""

    id: int
    name: str
    name_key: str
    colour: TagColour


class FieldRow(Struct, frozen=True):
    """A custom field in use that nobody changes, as opposed to ``CustomField``."""

    id: int
    key: str
    label: str
    help: str | None
    type: FieldType
    options: tuple[str, ...]
    required: bool
    in_list: bool


TAG_COLUMNS = [getattr(Tag, name) for name in TagRow.__struct_fields__]
FIELD_COLUMNS = [getattr(CustomField, name) for name in FieldRow.__struct_fields__]


async def cached_tags(session: AsyncSession) -> Mapping[int, TagRow]:
    """Return all tags by their ids, in the order of their names."""
    return await cached(session, "tags", _load_tags)


def field_with(fields: Iterable[FieldRow], key: str | None) -> FieldRow | None:
    """Return the field of a key; None if there is none."""
    return next((field for field in fields if field.key == key), None)


async def cached_fields(session: AsyncSession, kind: str) -> Sequence[FieldRow]:
    """Return the fields of a kind that are in use, in their order."""

    async def load(session: AsyncSession) -> Sequence[FieldRow]:
        statement = (
            select(*FIELD_COLUMNS)
            .where(CustomField.kind == kind, CustomField.archived_at.is_(None))
            .order_by(CustomField.position, CustomField.id)
            .limit(MAX_FIELDS)
        )
        rows = (row._mapping for row in await session.execute(statement))
        return [FieldRow(**{**row, "options": tuple(row["options"])}) for row in rows]

    return await cached(session, ("fields", kind), load)


async def _load_tags(session: AsyncSession) -> Mapping[int, TagRow]:
    statement = select(*TAG_COLUMNS).order_by(Tag.name_key).limit(MAX_TAGS)
    return {row.id: TagRow(*row) for row in await session.execute(statement)}
