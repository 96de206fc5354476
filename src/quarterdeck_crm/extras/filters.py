"""The filter by a custom field on the page of a list: what its panel enters, and what it shows.

The filter itself is ``field=KEY:VALUE``, see ``values.read_filter``. The panel sends the field and
the two ends apart, so that it needs no script; ``take_field`` writes the filter from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import FieldType
from quarterdeck_crm.search.filters import TURNED, Panel, Ranges, open_panel
from quarterdeck_crm.validation.numbers import typed_form

from .definitions import FieldRow, cached_fields, field_with
from .values import WORDS, YES_OR_NO, no_field, read_end

FIELD, FIRST, LAST, BEFORE = ENTRIES = ("field_of", "field_from", "field_to", "field_before")
MAX_LENGTH = 200
ENTERED = (FieldType.TEXT, FieldType.NUMBER, FieldType.DATE)


@dataclass(frozen=True, slots=True)
class FieldFilter:
    """The filter by a text, a number or a date among the custom fields.

    Attributes:
        fields: The fields that can be chosen.
        field: The chosen one.
        texts: The two ends as they were entered.
        first: The first value, or the beginning of a text; None if open.
        last: The last value; None if open.
        text: The filter as the argument ``field``; empty without one.
        wrong: The name of the entry that cannot be accepted.
        problem: Why not.
        dropped: Why the list is not filtered by the field that its address names.
    """

    fields: tuple[FieldRow, ...]
    field: FieldRow | None = None
    texts: tuple[str, str] = ("", "")
    first: date | Decimal | str | None = None
    last: date | Decimal | None = None
    text: str = ""
    wrong: str | None = None
    problem: str | None = None
    dropped: str | None = None

    @property
    def is_used(self) -> bool:
        return bool(self.text)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The ends of a range of numbers as a program writes them."""
        return tuple(_plain(end) for end in (self.first, self.last))


async def open_record_panel(
    session: AsyncSession,
    listing: Listing,
    ranges: Ranges,
    *,
    kind: str,
    users: bool = False,
    records: Sequence[str] = (),
) -> Panel:
    """Return the filters of a page whose records have custom fields; see ``open_panel``.

    Args:
        session: The db session.
        listing: With the arguments of the URL, among them ``ENTRIES``.
        ranges: Those of the list.
        kind: The table of the records.
        users: Whether the list has a filter by user.
        records: Its filters by a record.
    """
    panel = await open_panel(session, listing, ranges, users=users, records=records)
    return replace(panel, field=await take_field(session, listing, kind))


async def take_field(session: AsyncSession, listing: Listing, kind: str) -> FieldFilter | None:
    """Settle the filter by a custom field, and return it as the panel shows it.

    A page has two ways to choose the filter: the panel, and a select with the choices. Both are
    sent together, so the panel also sends the filter that it showed ``BEFORE``. If the entries
    still mean that filter, or none, a change of the select counts.

    Args:
        session: The db session.
        listing: With the entries, which are removed. Its filter ``field`` is set, or removed if
            the entries cannot be accepted or the field is not in use.
        kind: The table of the records.

    Returns:
        The filter of the panel, or None if there are no fields to enter.
    """
    entered = {name: listing.filters.pop(name, "").strip()[:MAX_LENGTH] for name in ENTRIES}
    fields = await cached_fields(session, kind)
    typed = tuple(each for each in fields if each.type in ENTERED)
    if dropped := _problem_of(fields, listing.filters.get("field", "")):
        del listing.filters["field"]
        return FieldFilter(typed, dropped=dropped)
    if not typed:
        return None
    before, chosen = entered[BEFORE], listing.filters.get("field", "")
    key, ends = entered[FIELD], (entered[FIRST], entered[LAST])
    if not (key or any(ends) or before):
        key, _colon, value = chosen.partition(":")
        field = field_with(typed, key)
        if field is None:
            return FieldFilter(typed)
        shown = _read(typed, field, _split(field, value.strip()[:MAX_LENGTH]))
        if shown.problem:
            del listing.filters["field"]
        return shown
    field = field_with(typed, key)
    shown = _read(typed, field, ends)
    has_select = len(typed) < len(fields)
    if has_select and chosen != before and not shown.problem and shown.text in ("", before):
        return FieldFilter(typed)
    if shown.text:
        listing.filters["field"] = shown.text
    else:
        listing.filters.pop("field", None)
    return shown


def _problem_of(fields: Sequence[FieldRow], text: str) -> str | None:
    """Return why a list cannot be filtered by a choice of its select, if it cannot."""
    key, _colon, value = text.partition(":")
    field = field_with(fields, key)
    if text and field is None:
        return no_field(key)
    if field is not None and field.type is FieldType.YES_NO and value.strip().lower() not in WORDS:
        return str(YES_OR_NO)
    return None


def _read(
    fields: tuple[FieldRow, ...], field: FieldRow | None, texts: tuple[str, str]
) -> FieldFilter:
    """Return the filter of two ends; all records with a value if both are empty."""
    shown = FieldFilter(fields, field, texts)
    if field is None:
        if any(texts):
            return replace(shown, wrong=FIELD, problem=_("Choose a field."))
        return shown
    if field.type is FieldType.TEXT:
        if texts[1]:
            problem = _("A text is found by its beginning. Leave this empty.")
            return replace(shown, wrong=LAST, problem=problem)
        return replace(shown, first=texts[0] or None, text=f"{field.key}:{texts[0]}")
    ends: list[Any] = []
    for name, text in zip((FIRST, LAST), texts, strict=True):
        try:
            ends.append(read_end(field.type, text) if text else None)
        except ValueError as error:
            return replace(shown, wrong=name, problem=str(error))
    first, last = ends
    if first is not None and last is not None and first > last:
        return replace(shown, wrong=LAST, problem=str(TURNED))
    value = "..".join(_plain(end) for end in ends)
    if first == last:
        value = _plain(first)
    return replace(shown, first=first, last=last, text=f"{field.key}:{value}")


def _split(field: FieldRow, value: str) -> tuple[str, str]:
    """Return the two ends in the text of a filter."""
    if field.type is FieldType.TEXT:
        return value, ""
    first, dots, last = value.partition("..")
    return first, last if dots else first


def _plain(end: date | Decimal | str | None) -> str:
    """Return an end as a program writes it."""
    if isinstance(end, Decimal):
        return typed_form(end)
    return end.isoformat() if isinstance(end, date) else end or ""
