"""One custom field set on a record, by the service that updates the record.

The value of such a change is ``KEY:VALUE``, like the filter of lists. An empty value empties the
field.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import NotFoundError, ValidationError
from quarterdeck_crm.extras.definitions import FieldRow, cached_fields, field_with
from quarterdeck_crm.extras.reading import Record
from quarterdeck_crm.extras.records import write_extras
from quarterdeck_crm.extras.values import fit_value, read_values, value_of
from quarterdeck_crm.goods.services import GOODS_EDITOR
from quarterdeck_crm.history.recording import plain, store
from quarterdeck_crm.mail.notices import mail_order_change
from quarterdeck_crm.models import FieldType, Order, User
from quarterdeck_crm.people.services import require_edit_person
from quarterdeck_crm.permissions import require_edit, require_role
from quarterdeck_crm.validation.numbers import read_number

from .tagging import SERVICES

CHECKS: dict[str, Callable[[User, Any], None]] = {
    "account": require_edit,
    "deal": require_edit,
    "good": lambda actor, _good: require_role(actor, GOODS_EDITOR),
    "order": require_edit,
    "person": require_edit_person,
}


async def find_field(session: AsyncSession, table: str, key: str) -> FieldRow | None:
    """Return the field of a kind that is in use under a key; None if there is none."""
    return field_with(await cached_fields(session, table), key)


async def read_entry(session: AsyncSession, *, table: str, key: str, text: str) -> str:
    """Return the value of a change from the entries of a person.

    Raises:
        ValidationError: If there is no such field, or the field cannot have the value.
    """
    field = await find_field(session, table, key)
    entry = text.strip()
    if field is not None and field.type is FieldType.NUMBER and entry:
        try:
            entry = format(read_number(entry), "f")
        except ValueError as error:
            raise ValidationError({"value": [str(error)]}) from None
    value = f"{key}:{entry}"
    await check_entry(session, table=table, value=value)
    return value


async def check_entry(session: AsyncSession, *, table: str, value: str | None) -> None:
    """Refuse a value that no record can have.

    Raises:
        ValidationError: If there is no such field, or the field cannot have the value.
    """
    key, _colon, entry = (value or "").partition(":")
    field = await find_field(session, table, key)
    if field is None:
        raise ValidationError({"field": [_("Choose a field.")]})
    try:
        fit_value(field, entry)
    except ValueError as error:
        raise ValidationError({"value": [str(error)]}) from None


async def set_field(
    session: AsyncSession, *, actor: User | None, record: Record, value: str
) -> dict[str, Any] | None:
    """Set a field of a record; return the old value for ``put_field_back``, None if it is the same.

    Raises:
        ForbiddenError: If the actor may not edit the record.
        NotFoundError: If the field is no longer in use.
        ValidationError: If the field cannot have the value.
    """
    table = record.__tablename__
    key, _colon, entry = value.partition(":")
    field = await _get_field(session, table, key)
    row = (await read_values(session, table, record.id)).get(field.id)
    before = None if row is None else value_of(field, row)
    try:
        if fit_value(field, entry) == before:
            return None
    except ValueError as error:
        raise ValidationError({"value": [str(error)]}) from None
    _get, update = SERVICES[table]
    values = {"fields": {key: entry or None}}
    await update(session, actor=actor, values=values, version=record.version, **{table: record})
    return {"key": key, "value": plain(before)}


async def put_field_back(
    session: AsyncSession, *, actor: User, record: Record, key: str, value: Any
) -> None:
    """Give a field the value that it had before.

    The service is not asked: by now the value may be a choice that is no longer offered, or the
    field may have been required since.

    Raises:
        ForbiddenError: If the actor may not edit the record.
        NotFoundError: If the field is no longer in use.
    """
    CHECKS[record.__tablename__](actor, record)
    field = await _get_field(session, record.__tablename__, key)
    if value is not None and field.type in (FieldType.NUMBER, FieldType.DATE):
        value = fit_value(field, value)
    changes = await write_extras(session, record, {"fields": {field: value}})
    await store(session, actor=actor, row=record, values={}, also=changes)
    if isinstance(record, Order):
        await mail_order_change(session, actor=actor, order=record)


async def _get_field(session: AsyncSession, table: str, key: str) -> FieldRow:
    field = await find_field(session, table, key)
    if field is None:
        raise NotFoundError(_("There is no such field."))
    return field
