"""Filters of lists by days, amounts, records and users: declared once for page, API and SQL.

A list declares its ``Ranges`` beside its sorts. Each range is two query arguments, for example
``date_from`` and ``date_to``, both included. A page reads them with ``open_panel``, which drops
what cannot be read and shows why; services refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Date, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import ExactDecimal
from quarterdeck_crm.cache.entries import cached
from quarterdeck_crm.errors import Errors, ValidationError
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import User
from quarterdeck_crm.validation import fit_day
from quarterdeck_crm.validation.numbers import fit_decimal, read_number, row_id
from quarterdeck_crm.validation.times import instant, load_zone

from .record_filters import RecordFilter, linked, settle

MAX_USERS = 200  # offered as owners; others are reached from the pages of the team
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9900, 1, 1)  # leaves room for time zones
DAY = timedelta(days=1)
NO_DAY = _l("Enter a day between 1900 and 9900.")
TURNED = _l("The end is before the start.")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The two ends of a range, both included; None is open."""

    first: Any = None
    last: Any = None


@dataclass(frozen=True, slots=True)
class Range:
    """A filter by a column; its name and its words are what a page shows of it.

    Attributes:
        name: The beginning of its two arguments.
        column: The attribute of the model.
        label: The words for it.
        near: For a day: an indexed column of instants within a day of ``column``.
    """

    name: str
    column: Any = field(compare=False)
    label: str
    near: Any = field(default=None, compare=False)

    @property
    def arguments(self) -> tuple[str, str]:
        return f"{self.name}_from", f"{self.name}_to"

    @property
    def kind(self) -> str:
        """``day``, ``moment`` (an instant, asked for by day) or ``amount``."""
        if isinstance(self.column.type, ExactDecimal):
            return "amount"
        return "day" if isinstance(self.column.type, Date) else "moment"

    def read(self, filters: Mapping[str, str]) -> tuple[Bounds, Errors]:
        """Return the ends, and the problems of those that cannot be read."""
        problems: Errors = {}
        found: list[Any] = []
        for name in self.arguments:
            text = filters.get(name)
            try:
                found.append(self._value(text) if text else None)
            except ValueError as error:
                problems[name] = [str(error)]
                found.append(None)
        first, last = found
        if first is not None and last is not None and first > last:
            problems[self.arguments[1]] = [str(TURNED)]
        return Bounds(first, last), problems

    def _value(self, text: str) -> date | Decimal:
        if self.kind == "amount":
            number, column_type = read_number(text), self.column.type
            return fit_decimal(number, precision=column_type.precision, scale=column_type.scale)
        day = fit_day(text)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValueError(NO_DAY)
        return day


@dataclass(frozen=True, slots=True)
class RangeField:
    """A range as a page shows it: the texts that were entered, and the problems."""

    range: Range
    texts: tuple[str, str]
    bounds: Bounds
    problem: str | None = None

    @property
    def is_used(self) -> bool:
        return self.bounds != Bounds()


class Ranges(tuple[Range, ...]):
    """The ranges of a list."""

    __slots__ = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The query arguments."""
        return tuple(name for each in self for name in each.arguments)

    def bounds(self, filters: Mapping[str, str]) -> dict[str, Bounds]:
        """Return the ends of the ranges in use, by name.

        Raises:
            ValidationError: If one cannot be read.
        """
        read = {each.name: each.read(filters) for each in self}
        problems = {name: texts for _b, found in read.values() for name, texts in found.items()}
        if problems:
            raise ValidationError(problems)
        return {name: ends for name, (ends, _p) in read.items() if ends != Bounds()}

    async def conditions(
        self, filters: Mapping[str, str], actor: User | None = None
    ) -> list[ColumnElement[bool]]:
        """Return the SQL of the ranges in use; days are those of the actor's time zone.

        Raises:
            ValidationError: If one cannot be read.
        """
        bounds = self.bounds(filters)
        zone = await load_zone((actor.zone if actor else None) or "UTC") if bounds else UTC
        found: list[ColumnElement[bool]] = []
        for each in self:
            ends = bounds.get(each.name, Bounds())
            first, last = ends.first, ends.last
            if each.kind == "moment":
                found += [each.column >= instant(first, None, zone)] if first else []
                found += [each.column < instant(last + DAY, None, zone)] if last else []
                continue
            found += [each.column >= first] if first is not None else []
            found += [each.column <= last] if last is not None else []
        return found

    def near(self, filters: Mapping[str, str]) -> list[ColumnElement[bool]]:
        """Return conditions that rows within the ranges meet too, and that an index answers.

        Raises:
            ValidationError: If a range cannot be read.
        """
        found: list[ColumnElement[bool]] = []
        bounds = self.bounds(filters)
        for each in self:
            ends = bounds.get(each.name, Bounds())
            if each.near is not None:
                found += [each.near >= _midnight(ends.first - DAY)] if ends.first else []
                found += [each.near < _midnight(ends.last + 2 * DAY)] if ends.last else []
        return found

    def take(self, listing: Listing) -> tuple[RangeField, ...]:
        """Return the fields of a page, and drop from ``listing`` what cannot be read."""
        fields = []
        for each in self:
            first, last = (listing.filters.get(name, "") for name in each.arguments)
            bounds, problems = each.read(listing.filters)
            if problems:
                for name in each.arguments:
                    listing.filters.pop(name, None)
                bounds = Bounds()
            problem = next((texts[0] for texts in problems.values()), None)
            fields.append(RangeField(each, (first, last), bounds, problem))
        return tuple(fields)


class FieldPart(Protocol):
    """The filter by a custom field, as the panel uses it."""

    @property
    def is_used(self) -> bool: ...

    @property
    def problem(self) -> str | None: ...

    @property
    def dropped(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Panel:
    """The filters of a page besides its choices.

    It can be hashed, so that pages remember how it looks while nothing is entered.

    Attributes:
        fields: Its ranges.
        users: Active users by name, to choose an owner from, and the one that is chosen.
        records: The filters by a record that have a field, in use or not.
        links: The filters by a record in use that have none.
        field: The filter by a custom field, from ``extras.filters``; None if there are no fields.
    """

    fields: tuple[RangeField, ...] = ()
    users: Sequence[tuple[int, str]] = field(default=(), compare=False)
    records: tuple[RecordFilter, ...] = ()
    links: tuple[RecordFilter, ...] = field(default=(), compare=False)
    field: FieldPart | None = None

    @property
    def names(self) -> list[str]:
        """The query arguments of its fields."""
        names = [name for each in self.fields for name in each.range.arguments]
        names += [each.name for each in self.records]
        return [*names, "field"] if self.field and self.field.is_used else names

    @property
    def is_wrong(self) -> bool:
        problems = *(each.problem for each in self.records), *(each.problem for each in self.fields)
        return any(problems) or bool(self.field and self.field.problem)


async def open_panel(
    session: AsyncSession,
    listing: Listing,
    ranges: Ranges = Ranges(),  # noqa: B008 - it is immutable
    *,
    users: bool = False,
    records: Sequence[str] = (),
    links: Sequence[str] = (),
) -> Panel:
    """Return the filters of a page; what cannot be read is dropped from ``listing``.

    Args:
        session: The db session.
        listing: With the arguments of the URL. A record may be named in words, as a field
            that is typed into sends it; then its id takes their place.
        ranges: Those of the list.
        users: Whether the list has a filter by user.
        records: The filters by a record that have a field: ``account``, ``person``.
        links: Those without one, which only links set.
    """
    shown = tuple([await settle(session, listing, name) for name in records])
    offered = await _offered_users(session, listing) if users else ()
    set_by_links = await linked(session, listing, links)
    return Panel(ranges.take(listing), offered, shown, set_by_links)


async def _offered_users(session: AsyncSession, listing: Listing) -> Sequence[tuple[int, str]]:
    """Return the users to choose from, and the one that the list is filtered by."""
    offered = await list_active_users(session)
    asked = row_id(listing.filters.get("owner") or listing.filters.get("assignee") or "")
    if asked is None or asked in dict(offered):
        return offered
    name = await session.scalar(select(User.name).where(User.id == asked))
    return [*offered, (asked, name or _("User %(number)s", number=asked))]


async def list_active_users(session: AsyncSession) -> Sequence[tuple[int, str]]:
    """Return id and name of the users that can own a row, by name, the first ones only."""
    return await cached(session, "users", _load_users)


async def _load_users(session: AsyncSession) -> Sequence[tuple[int, str]]:
    statement = (
        select(User.id, User.name)
        .where(User.is_active)
        .order_by(User.name_key, User.id)
        .limit(MAX_USERS)
    )
    return [(id_, name) for id_, name in await session.execute(statement)]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
