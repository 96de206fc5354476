"""The tags and custom fields of records in files: a column ``tags``, and one for each field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extras.fields import list_fields
from quarterdeck_crm.extras.reading import Extras, Record, read_extras
from quarterdeck_crm.extras.tags import MAX_TAGS, as_text, names_in
from quarterdeck_crm.extras.values import COLUMNS, fit_value
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import CustomField, CustomValue, FieldType, RecordTag, Tag
from quarterdeck_crm.models.collation import unique_key
from quarterdeck_crm.models.tag import TAG_LENGTH

from .columns import (
    CSVColumn,
    ExpectedError,
    NumberParser,
    Parser,
    RefusedTextError,
    Table,
    day,
    text,
    yes,
)

PREFIX = "field_"  # of the column of a custom field
TAGS = "tags"
FIELD_GONE = N_(
    "A custom field of the file was removed during the import. A part of the file may be written. "
    "Upload the file again for the rest."
)
Wanted = Mapping[str, Any]  # by the name of the column


async def extended(session: AsyncSession, table: Table, model: type[Record]) -> Table:
    """Return a table with the columns of the extras of a kind of record."""
    fields = await list_fields(session, kind=model.__tablename__, archived=False)
    return Table(table.title, (*table.columns, CSVColumn(TAGS, _tags), *map(_column, fields)))


def cells_of(extras: Extras, record_id: int) -> list[Any]:
    """Return the cells of a record in the order of the columns."""
    values = extras.values_of(record_id)
    cells: list[Any] = [as_text(tag.name for tag in extras.tags_of(record_id)) or None]
    for field in extras.fields:
        value = values.get(field.key)
        cells.append(int(value) if isinstance(value, bool) else _plain(value))
    return cells


def wanted_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extras that a row of a file gives a record."""
    return {
        name: value for name, value in values.items() if name == TAGS or name.startswith(PREFIX)
    }


async def differing(
    session: AsyncSession, model: type[Record], wanted: Mapping[int, Wanted]
) -> set[int]:
    """Return the ids of the records whose extras differ from those of a file."""
    if not any(wanted.values()):
        return set()
    extras = await read_extras(session, model, wanted)
    return {id_ for id_, row in wanted.items() if _differs(extras, id_, row)}


async def write_imported(
    session: AsyncSession, model: type[Record], wanted: Mapping[int, Wanted]
) -> None:
    """Write the extras of some records, in a few statements however many they are.

    Raises:
        ConflictError: If there are more tags than the CRM can have, or a field was removed.
    """
    kind = model.__tablename__
    tagged = {id_: row[TAGS] or () for id_, row in wanted.items() if TAGS in row}
    if tagged:
        ids = await _make_tags(session, {name for names in tagged.values() for name in names})
        await _clear(session, RecordTag, kind, tagged)
        await _insert(
            session,
            RecordTag,
            [
                {"kind": kind, "record_id": id_, "tag_id": ids[unique_key(name, TAG_LENGTH)]}
                for id_, names in tagged.items()
                for name in names
            ],
        )
    columns = {name for row in wanted.values() for name in row if name.startswith(PREFIX)}
    fields = await list_fields(session, kind=kind, archived=False) if columns else ()
    by_name = {f"{PREFIX}{field.key}": field for field in fields}
    if columns - by_name.keys():
        raise ConflictError(FIELD_GONE)
    for name in sorted(columns):
        field = by_name[name]
        given = {id_: row[name] for id_, row in wanted.items() if name in row}
        await _clear(session, CustomValue, kind, given, CustomValue.field_id == field.id)
        blank = dict.fromkeys(("text", "number", "day", "flag"))
        await _insert(
            session,
            CustomValue,
            [
                {"kind": kind, "record_id": id_, "field_id": field.id}
                | blank
                | {COLUMNS[field.type]: fit_value(field, value)}
                for id_, value in given.items()
                if value is not None
            ],
        )


def _differs(extras: Extras, id_: int, row: Wanted) -> bool:
    if TAGS in row:
        present = {tag.name_key for tag in extras.tags_of(id_)}
        if present != {unique_key(name, TAG_LENGTH) for name in row[TAGS] or ()}:
            return True
    values = extras.values_of(id_)
    return any(
        values.get(name.removeprefix(PREFIX)) != value
        for name, value in row.items()
        if name != TAGS
    )


async def _make_tags(session: AsyncSession, names: Iterable[str]) -> dict[str, int]:
    present = (await session.execute(select(Tag.name_key, Tag.id))).all()
    ids: dict[str, int] = dict(present)
    new = {unique_key(name, TAG_LENGTH): name for name in sorted(names)}
    missing = {key: name for key, name in new.items() if key not in ids}
    if len(ids) + len(missing) > MAX_TAGS:
        raise ConflictError(
            _("There can be at most %(count)s tags. Use one of them.", count=MAX_TAGS)
        )
    tags = {key: Tag(name=name) for key, name in missing.items()}
    session.add_all(tags.values())
    await session.flush()
    return ids | {key: tag.id for key, tag in tags.items()}


async def _clear(
    session: AsyncSession, model: Any, kind: str, ids: Iterable[int], *more: Any
) -> None:
    theirs = (model.kind == kind, model.record_id.in_([*ids]), *more)
    await session.execute(delete(model).where(*theirs).execution_options(synchronize_session=False))


async def _insert(session: AsyncSession, model: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await session.execute(insert(model), rows)


def _column(field: CustomField) -> CSVColumn:
    return CSVColumn(f"{PREFIX}{field.key}", _parser(field))


def _parser(field: CustomField) -> Parser:
    match field.type:
        case FieldType.NUMBER:
            expected = N_("a number with at most 6 decimals")
            return NumberParser(lambda number: fit_value(field, number), expected)
        case FieldType.DATE:
            return day
        case FieldType.YES_NO:
            return yes
        case FieldType.CHOICE:
            options = [*field.options]

            def choose(cell: str) -> str:
                if cell not in options:
                    raise ExpectedError(N_("one of %(words)s"), words=", ".join(options))
                return cell

            return choose
        case FieldType.TEXT:
            return text(CustomValue.text)


def _tags(cell: str) -> list[str]:
    try:
        return names_in(cell)
    except ValueError as error:
        raise RefusedTextError(str(error)) from None


def _plain(value: Any) -> Any:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value
