"""Rules and queries of custom fields. ``actor`` is the user that acts; None is the system.

Administrators add fields to a kind of record. The key of a field never changes, because programs
and files name it. A field is not deleted but archived: its values stay, and are not shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from quarterdeck.babel import gettext as _
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import (
    Account,
    AuditAction,
    CustomField,
    CustomValue,
    Deal,
    FieldType,
    Good,
    Order,
    Person,
    Role,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.custom_field import KEY_LENGTH
from quarterdeck_crm.models.rows import read_row
from quarterdeck_crm.permissions import require_role
from quarterdeck_crm.validation import Problems, fit_text

MAX_FIELDS = 50  # of one kind, archived ones included
MAX_OPTIONS = 50
MAX_OPTION_LENGTH = 100
FIELD_EDITOR = Role.ADMIN
KINDS: dict[str, str] = {
    Account.__tablename__: _l("Accounts"),
    Person.__tablename__: _l("People"),
    Deal.__tablename__: _l("Deals"),
    Order.__tablename__: _l("Orders"),
    Good.__tablename__: _l("Goods"),
}
FIELDS = ("key", "label", "help")
_KEY = re.compile(r"[a-z][a-z0-9_]*")


async def list_fields(
    session: AsyncSession, *, kind: str | None = None, archived: bool = True
) -> Sequence[CustomField]:
    """Return the fields of a kind, or of all kinds, in their order."""
    statement = select(CustomField).order_by(CustomField.kind, CustomField.position, CustomField.id)
    if kind is not None:
        statement = statement.where(CustomField.kind == kind)
    if not archived:
        statement = statement.where(CustomField.archived_at.is_(None))
    return (await session.scalars(statement.limit(MAX_FIELDS * len(KINDS)))).all()


async def get_field(session: AsyncSession, *, field_id: int) -> CustomField:
    """Return a field as it is now.

    Raises:
        NotFoundError: If there is none of that id.
    """
    return await read_row(session, CustomField, field_id, _("There is no such field."))


async def create_field(
    session: AsyncSession, *, actor: User | None, kind: str, values: Mapping[str, Any]
) -> CustomField:
    """Add a field at the end of those of its kind.

    Args:
        session: The db session.
        actor: An administrator.
        kind: A key of ``KINDS``.
        values: ``label``, ``type`` and optionally ``key`` (made of the label if empty),
            ``help``, ``options``, ``required``, ``in_list`` and ``position``.

    Raises:
        ForbiddenError: If the actor is no administrator.
        NotFoundError: If there is no such kind.
        ValidationError: If a value cannot be accepted.
    """
    require_role(actor, FIELD_EDITOR)
    field = CustomField(kind=kind, **await check_field(session, kind=kind, values=values))
    session.add(field)
    await _flush(session)
    await _audit(session, AuditAction.FIELD_CREATED, actor=actor, field=field)
    return field


async def update_field(
    session: AsyncSession,
    *,
    actor: User | None,
    field: CustomField,
    values: Mapping[str, Any],
    version: int,
) -> CustomField:
    """Change a field; its key and its type stay.

    Raises:
        ConflictError: If another save came after ``version``.
        ForbiddenError: If the actor is no administrator.
        ValidationError: If a value cannot be accepted.
    """
    require_role(actor, FIELD_EDITOR)
    if field.version != version:
        raise ConflictError(_changed())
    cleaned = await check_field(session, kind=field.kind, values=values, field=field)
    changes = assign(field, cleaned)
    await _flush(session)
    if changes:
        await _audit(session, AuditAction.FIELD_CHANGED, actor=actor, field=field, detail=changes)
    return field


async def set_field_archived(
    session: AsyncSession, *, actor: User | None, field: CustomField, archived: bool
) -> None:
    """Put a field away with its values, or take it back into use.

    Raises:
        ForbiddenError: If the actor is no administrator.
    """
    require_role(actor, FIELD_EDITOR)
    if field.is_archived != archived:
        field.archived_at = utc_now() if archived else None
        await _flush(session)
        action = AuditAction.FIELD_ARCHIVED if archived else AuditAction.FIELD_RESTORED
        await _audit(session, action, actor=actor, field=field)


async def check_field(
    session: AsyncSession,
    *,
    kind: str,
    values: Mapping[str, Any],
    field: CustomField | None = None,
) -> dict[str, Any]:
    """Return values that a field can have.

    Raises:
        NotFoundError: If there is no such kind.
        ValidationError: With the problems of all values at once.
    """
    if kind not in KINDS:
        raise NotFoundError(_("There is no such kind of record."))
    problems = Problems()
    entered = dict(values)
    if field is None:
        entered["key"] = (entered.get("key") or "").strip() or key_of(entered.get("label") or "")
    names = FIELDS if field is None else ("label", "help")
    cleaned = problems.clean(CustomField, entered, fields=names, complete=field is None, row=field)
    for name in ("required", "in_list"):
        if name in entered:
            cleaned[name] = bool(entered[name])
    if entered.get("position") is not None:
        cleaned["position"] = entered["position"]
    type_ = field.type if field is not None else _type(problems, entered.get("type"))
    if field is None:
        cleaned["type"] = type_
        await _check_new(session, problems, kind, cleaned)
    if type_ is FieldType.CHOICE and (field is None or "options" in entered):
        with problems.collected("options"):
            cleaned["options"] = fit_options(entered.get("options") or ())
    problems.raise_if_any()
    return cleaned


def fit_options(entries: Sequence[Any]) -> list[str]:
    """Return the texts to choose from, each once.

    Raises:
        ValueError: If there are none, too many, or one cannot be stored.
    """
    options: list[str] = []
    for entry in entries:
        text = str(entry).strip()
        text = fit_text(CustomValue.text.expression, text) if text else ""
        if len(text) > MAX_OPTION_LENGTH:
            raise ValueError(
                _("Each choice can have at most %(count)s characters.", count=MAX_OPTION_LENGTH)
            )
        if text and text not in options:
            options.append(text)
    if not options:
        raise ValueError(_("Enter at least one choice."))
    if len(options) > MAX_OPTIONS:
        raise ValueError(_("There can be at most %(count)s choices.", count=MAX_OPTIONS))
    return options


def key_of(label: str) -> str:
    """Return a key made of the Latin letters and digits of a label; empty if it has none."""
    plain = unicodedata.normalize("NFKD", label.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:KEY_LENGTH].lstrip("0123456789_")


def _type(problems: Problems, value: Any) -> FieldType | None:
    try:
        return FieldType(value)
    except ValueError:
        problems.add("type", _("Choose a type."))
        return None


async def _check_new(
    session: AsyncSession, problems: Problems, kind: str, cleaned: Mapping[str, Any]
) -> None:
    present = select(CustomField.key).where(CustomField.kind == kind)
    keys = (await session.scalars(present)).all()
    if len(keys) >= MAX_FIELDS:
        problems.add("label", _("There can be at most %(count)s fields.", count=MAX_FIELDS))
    key = cleaned.get("key")
    if key and not _KEY.fullmatch(key):
        problems.add("key", _("Use small Latin letters, digits and _, with a letter first."))
    elif key in keys:
        problems.add("key", _("Another field has this key."))


async def _audit(
    session: AsyncSession,
    action: AuditAction,
    *,
    actor: User | None,
    field: CustomField,
    detail: Mapping[str, Any] | None = None,
) -> None:
    # The key never changes, so it also names the field in older lines.
    subject = f"{field.kind} field {field.key}"
    await record_audit(session, action, actor=actor, subject=subject, detail=detail)


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except (StaleDataError, IntegrityError):
        raise ConflictError(_changed()) from None


def _changed() -> str:
    return _("Another user changed this field at the same moment. Reload the page and try again.")


async def count_values(session: AsyncSession, *, field: CustomField) -> int:
    """Return how many records have a value in a field."""
    counted = select(func.count()).where(CustomValue.field_id == field.id)
    return await session.scalar(counted) or 0
