"""The tags and custom fields of records, read for a page at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.listing import FIELD, Listing
from quarterdeck_crm.models import (
    Account,
    CustomValue,
    Deal,
    FieldType,
    Good,
    Order,
    Person,
    RecordTag,
)
from quarterdeck_crm.validation.numbers import row_id

from .definitions import FieldRow, TagRow, cached_fields, cached_tags
from .tags import as_text
from .values import (
    PREFIX,
    value_of,
)

Record = Account | Deal | Good | Order | Person


@dataclass(frozen=True, slots=True)
class Extras:
    """What some records have beside the columns of their tables.

    Attributes:
        all_tags: Those of the CRM, by name.
        tags: Those of each record, by its id.
        fields: The custom fields of the kind that are in use.
        values: Those of each record that has any, by its id and the key of the field.
        shown: The keys of the fields that a list shows; None for those that administrators chose.
        asked: The filters of a list, which offers their values also if they are gone.
    """

    all_tags: Sequence[TagRow] = ()
    tags: Mapping[int, Sequence[TagRow]] = field(default_factory=dict)
    fields: Sequence[FieldRow] = ()
    values: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    shown: Collection[str] | None = None
    asked: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag_options(self) -> list[tuple[int, str]]:
        """The tags for the filter of a list."""
        options = [(tag.id, tag.name) for tag in self.all_tags]
        asked = row_id(self.asked.get("tag", ""))
        if asked is None or asked in dict(options):
            return options
        return [*options, (asked, _("a removed tag"))]

    def tags_of(self, record_id: int) -> Sequence[TagRow]:
        return self.tags.get(record_id, ())

    def has_facts(self, record_id: int) -> bool:
        """Whether the page of a record has anything to show."""
        return bool(self.tags_of(record_id) or self.values_of(record_id))

    @property
    def columns(self) -> list[FieldRow]:
        """The fields that a list shows."""
        if self.shown is None:
            return [field for field in self.fields if field.in_list]
        return [field for field in self.fields if field.key in self.shown]

    @property
    def column_choices(self) -> list[tuple[str, str]]:
        """The fields among the columns that users choose, each with its label."""
        return [(f"{FIELD}{each.key}", each.label) for each in self.fields]

    @property
    def usual_columns(self) -> list[str]:
        """Those that a list shows unless its reader chooses."""
        return [f"{FIELD}{each.key}" for each in self.fields if each.in_list]

    @property
    def hidden_columns(self) -> tuple[str, ...]:
        """Those that are not shown."""
        shown = {each.key for each in self.columns}
        return tuple(f"{FIELD}{each.key}" for each in self.fields if each.key not in shown)

    def showing(self, listing: Listing) -> Extras:
        """Return these extras with the columns that were chosen for a list, and its filters."""
        return replace(self, shown=listing.field_columns, asked=listing.filters)

    @property
    def field_options(self) -> list[tuple[str, str]]:
        """The choices of all fields for the filter of a list."""
        found: list[tuple[str, str]] = []
        for each in self.fields:
            options = [(text, text) for text in self._choices(each)]
            if each.type is FieldType.YES_NO:
                options = [("yes", _("yes")), ("no", _("no"))]
            found += [
                (f"{each.key}:{value}", _("%(label)s: %(value)s", label=each.label, value=word))
                for value, word in options
            ]
        return found

    def _choices(self, field: FieldRow) -> Iterable[str]:
        key, _colon, value = self.asked.get("field", "").partition(":")
        is_gone = field.type is FieldType.CHOICE and key == field.key and value
        return dict.fromkeys([*field.options, value] if is_gone else field.options)

    def values_of(self, record_id: int) -> Mapping[str, Any]:
        return self.values.get(record_id, {})

    def form_data(self, record_id: int) -> dict[str, Any]:
        """Return the values that the form of a record shows."""
        values = {f"{PREFIX}{key}": value for key, value in self.values_of(record_id).items()}
        empty = dict.fromkeys(f"{PREFIX}{each.key}" for each in self.fields)
        return empty | values | {"tags": as_text(tag.name for tag in self.tags_of(record_id))}


async def read_extras(
    session: AsyncSession, model: type[Record], ids: Iterable[int] = ()
) -> Extras:
    """Return the extras of some records, in two statements however many they are.

    Tags and fields come from the cache. Where there are none, nothing is read.
    """
    ids, kind = [*ids], model.__tablename__
    tags, fields = await cached_tags(session), await cached_fields(session, kind)
    return Extras(
        [*tags.values()],
        await _read_tags(session, tags, kind, ids) if tags and ids else {},
        fields,
        await _read_values(session, fields, kind, ids) if fields and ids else {},
    )


async def _read_tags(
    session: AsyncSession, tags: Mapping[int, TagRow], kind: str, ids: Sequence[int]
) -> Mapping[int, Sequence[TagRow]]:
    statement = select(RecordTag.record_id, RecordTag.tag_id).where(
        RecordTag.kind == kind, RecordTag.record_id.in_(ids)
    )
    pairs = (await session.execute(statement)).all()
    found: dict[int, list[TagRow]] = defaultdict(list)
    place = {tag_id: number for number, tag_id in enumerate(tags)}
    for record_id, tag_id in sorted(pairs, key=lambda pair: place.get(pair[1], 0)):
        if tag_id in tags:  # it may be newer than the cache
            found[record_id].append(tags[tag_id])
    return found


async def _read_values(
    session: AsyncSession, fields: Sequence[FieldRow], kind: str, ids: Sequence[int]
) -> Mapping[int, Mapping[str, Any]]:
    statement = select(CustomValue).where(CustomValue.kind == kind, CustomValue.record_id.in_(ids))
    rows = {(row.record_id, row.field_id): row for row in await session.scalars(statement)}
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for record_id in ids:
        for each in fields:
            if row := rows.get((record_id, each.id)):
                found[record_id][each.key] = value_of(each, row)
    return found
