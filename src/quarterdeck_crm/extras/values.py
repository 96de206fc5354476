"""Values of custom fields: fitted to their type, stored in the column of the type, filtered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import StaleError, ValidationError
from quarterdeck_crm.history.recording import STALE, Changes, plain
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import CustomField, CustomValue, FieldType
from quarterdeck_crm.models.collation import sort_key
from quarterdeck_crm.models.custom_field import FOUND_LENGTH
from quarterdeck_crm.validation import REQUIRED, Problems, fit_day, fit_text
from quarterdeck_crm.validation.numbers import fit_decimal, read_number

from .definitions import FieldRow

Field = CustomField | FieldRow
PREFIX = "fields."  # of a key in forms, errors and histories
COLUMNS = {
    FieldType.TEXT: "text",
    FieldType.CHOICE: "text",
    FieldType.NUMBER: "number",
    FieldType.DATE: "day",
    FieldType.YES_NO: "flag",
}
WORDS = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}
YES_OR_NO = _l("Choose yes or no.")
FIRST_DAY, LAST_DAY = date(1000, 1, 1), date(9999, 12, 31)
MOST = Decimal("999999999999.999999")
LAST = "\U0010ffff"  # stands behind every character


@dataclass(frozen=True, slots=True)
class ValueFilter:
    """The records whose value in a field is between two ends, both included."""

    field_id: int
    column: str
    first: Any
    last: Any


def given_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of custom fields by key; forms have them beside the other values."""
    flat = {
        name.removeprefix(PREFIX): value
        for name, value in values.items()
        if name.startswith(PREFIX)
    }
    return flat | dict(values.get("fields") or {})


def value_of(field: Field, row: CustomValue) -> Any:
    """Return the stored value of a field."""
    return getattr(row, COLUMNS[field.type])


def fit_value(field: Field, value: Any, *, present: Any = None) -> Any:
    """Return a value of the type of a field; None for an empty one.

    Args:
        field: The field.
        value: As entered.
        present: The stored value, which is accepted again.

    Raises:
        ValueError: If the field cannot have the value.
    """
    if isinstance(value, str):
        value = value.strip() or None
    if value is None:
        if field.required:
            raise ValueError(REQUIRED)
        return None
    if type(value) is type(present) and value == present:
        return value
    match field.type:
        case FieldType.NUMBER:
            return _fit_number(value)
        case FieldType.DATE:
            day = fit_day(value)
            if not FIRST_DAY <= day <= LAST_DAY:
                raise ValueError(_("Enter a date as YYYY-MM-DD."))
            return day
        case FieldType.YES_NO:
            flag = value if isinstance(value, bool) else WORDS.get(str(value).lower())
            if flag is None:
                raise ValueError(YES_OR_NO)
            return flag
        case FieldType.CHOICE:
            if value not in field.options:
                raise ValueError(_("Choose one of the offered values."))
            return value
        case FieldType.TEXT:
            if not isinstance(value, str):
                raise ValueError(_("Enter a text."))
            return fit_text(CustomValue.text.expression, value)


def check_values(
    problems: Problems,
    fields: Sequence[Field],
    given: Mapping[str, Any],
    *,
    present: Mapping[int, Any],
    complete: bool,
) -> dict[int, Any]:
    """Return the values by the id of the field, and keep the problems of the others.

    Args:
        problems: Those of the record.
        fields: The fields of its kind.
        given: The entries by key.
        present: The stored values by the id of the field.
        complete: Whether a required field may not be missing (a new record) or may (an edit).
    """
    cleaned: dict[int, Any] = {}
    for field in fields:
        if field.key in given or complete:
            with problems.collected(f"{PREFIX}{field.key}"):
                cleaned[field.id] = fit_value(
                    field, given.get(field.key), present=present.get(field.id)
                )
    for key in given.keys() - {field.key for field in fields}:
        problems.add(f"{PREFIX}{key}"[:100], _("There is no such field."))
    return cleaned


async def read_values(session: AsyncSession, kind: str, record_id: int) -> dict[int, CustomValue]:
    """Return the rows with the values of a record by the id of the field."""
    stored = select(CustomValue).where(CustomValue.kind == kind, CustomValue.record_id == record_id)
    return {row.field_id: row for row in await session.scalars(stored)}


async def store_values(
    session: AsyncSession,
    kind: str,
    record_id: int,
    values: Mapping[FieldRow, Any],
) -> Changes:
    """Write checked values of a record, and return those that changed, for its history.

    Raises:
        StaleError: If another save gave the record one of the values at the same moment.
    """
    rows = await read_values(session, kind, record_id)
    changes: Changes = {}
    new: list[dict[str, Any]] = []
    for field, after in values.items():
        row = rows.get(field.id)
        before = None if row is None else value_of(field, row)
        if before == after:
            continue
        changes[f"{PREFIX}{field.key}"] = [plain(before), plain(after)]
        if after is None:
            await session.delete(row)
            continue
        if row is None:
            key = {"kind": kind, "record_id": record_id, "field_id": field.id}
            new.append(dict.fromkeys(COLUMNS.values()) | {COLUMNS[field.type]: after} | key)
        else:
            setattr(row, COLUMNS[field.type], after)
    if new:
        try:
            await session.execute(insert(CustomValue), new)
        except IntegrityError:
            raise StaleError(STALE[kind]) from None
    return changes


async def read_filter(session: AsyncSession, kind: str, text: str) -> ValueFilter:
    """Return the filter that a query argument means: the key of a field, a colon and a value.

    Numbers and days may be ranges: ``size:10..20``, ``since:2026-01-01..``. A text is found by
    its beginning.

    Raises:
        ValidationError: If there is no such field, or the value cannot be read.
    """
    key, _colon, value = text.partition(":")
    field = await session.scalar(
        select(CustomField).where(
            CustomField.kind == kind,
            CustomField.key == key[:100],
            CustomField.archived_at.is_(None),
        )
    )
    if field is None:
        raise ValidationError({"field": [no_field(key)]})
    try:
        first, last = _ends(field.type, value.strip()[:200])
    except ValueError as error:
        raise ValidationError({"field": [str(error)]}) from None
    column = COLUMNS[field.type]
    return ValueFilter(field.id, "text_key" if column == "text" else column, first, last)


def no_field(key: str) -> str:
    """Return the problem of a filter by a field that is not in use."""
    return _("There is no field '%(key)s'. It may have been archived.", key=key[:100])


def _ends(type_: FieldType, value: str) -> tuple[Any, Any]:
    if type_ is FieldType.TEXT or type_ is FieldType.CHOICE:
        begin = sort_key(value, FOUND_LENGTH)
        return begin, begin if type_ is FieldType.CHOICE else begin + LAST
    if type_ is FieldType.YES_NO:
        if (flag := WORDS.get(value.lower())) is None:
            raise ValueError(YES_OR_NO)
        return flag, flag
    first, dots, last = value.partition("..")
    least, most = (FIRST_DAY, LAST_DAY) if type_ is FieldType.DATE else (-MOST, MOST)
    low = read_end(type_, first) if first else least
    if not dots:
        return low, low if first else most
    return low, read_end(type_, last) if last else most


def read_end(type_: FieldType, text: str) -> date | Decimal:
    """Return an end of a range of days or numbers.

    Raises:
        ValueError: If it cannot be read.
    """
    return fit_day(text) if type_ is FieldType.DATE else _fit_number(read_number(text))


def _fit_number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(_("Enter a number, such as 12.50."))
    return fit_decimal(value, precision=18, scale=6, least=-MOST)
