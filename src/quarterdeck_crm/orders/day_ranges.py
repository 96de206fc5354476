"""The first orders of a range of days by number, read from an index day by day.

Numbers usually grow with the days, so that an index of the numbers alone may be read almost to its
end before it comes to these days. Here each day takes one step in an index to its first number, and
the orders of the days are merged. So the cost grows with the days, not with the orders.

With other filters, such as a state, only days are read that have an order that matches, from the
index of the filters by day. The first number of a day may be that of another order. So the days are
read in groups, which double in size, until no later day can have a number before those found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from quarterdeck_crm.models import Order

from .hints import MYSQL, forced

ROW: Sequence[Any] = (Order.id, Order.number_key)
INDEX = "ix_order_ordered_on_order_number_key"
FIRST_DAYS, MAX_DAYS = 4, 256  # in a group, of the first one and of the largest


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRange:
    """Orders of some days by number.

    Attributes:
        first: The first day.
        last: The last day.
        descending: Whether the highest numbers come first.
        beyond: The key of the number after which the orders begin; None is the beginning.
        filters: What else the orders match: the conditions of each way to match.
        index: The index of these filters by day.
    """

    first: date
    last: date
    descending: bool
    beyond: str | None = None
    filters: Sequence[Sequence[ColumnElement[bool]]] = ()
    index: str = INDEX

    async def read(self, session: AsyncSession, most: int) -> list[int]:
        """Return the ids of the first orders, ``most`` of them if there are so many."""
        is_mysql = session.get_bind(Order).dialect.name in MYSQL
        starts = (self._grouped() if is_mysql else self._stepped()).subquery()
        nearest = select(starts).where(starts.c.start.is_not(None))
        nearest = nearest.order_by(self._directed(starts.c.start))
        if self.filters:
            nearest = nearest.where(or_(*(self._has(way, starts.c.day) for way in self.filters)))
        else:  # each day has one of the orders at least, and that is its first
            nearest = nearest.limit(most)
        days = (await session.execute(nearest)).all()
        found: list[Row[Any]] = []
        place, size = 0, FIRST_DAYS if self.filters else 1
        while place < len(days):
            if len(found) == most and self._is_before(found[-1].number_key, days[place].start):
                break
            group = [row.day for row in days[place : place + size]]
            rows = await session.execute(self._of_days(group, most))
            merged = sorted([*found, *rows], key=lambda row: row.number_key)
            found = (merged[::-1] if self.descending else merged)[:most]
            place += size
            size = min(2 * size, MAX_DAYS) if self.filters else 1
        return [row.id for row in found]

    def _has(self, way: Sequence[ColumnElement[bool]], day: Any) -> ColumnElement[bool]:
        """Return whether a day has an order that matches in one way, found by one step."""
        one = select(Order.id).where(*way, Order.ordered_on == day).limit(1)
        return forced(one, Order, self.index).scalar_subquery().is_not(None)

    def _of_days(self, days: Sequence[date], most: int) -> Select[Any]:
        """Return the statement of the orders of some days; of one day in their order."""
        rows = select(*ROW).where(*self._conditions())
        if self.filters:
            matching = or_(*(and_(*way) for way in self.filters))
            return forced(rows.where(matching, Order.ordered_on.in_(days)), Order, self.index)
        (day,) = days
        rows = rows.where(Order.ordered_on == day).order_by(self._directed(Order.number_key))
        return forced(rows.limit(most), Order, INDEX)

    def _grouped(self) -> Select[Any]:
        """Return the statement of the days and their first numbers, as MySQL jumps over groups."""
        columns: Sequence[Any] = Order.ordered_on.label("day"), self._start(Order).label("start")
        starts = select(*columns)
        starts = starts.where(Order.ordered_on.between(self.first, self.last), *self._conditions())
        return forced(starts.group_by(Order.ordered_on), Order, INDEX)

    def _stepped(self) -> Select[Any]:
        """Return the same in steps from day to day, for databases that read all of a group."""
        order: Any = aliased(Order)
        first = select(func.min(order.ordered_on).label("day"))
        days = first.where(order.ordered_on.between(self.first, self.last)).cte(recursive=True)
        order = aliased(Order)
        later = order.ordered_on > days.c.day, order.ordered_on <= self.last
        step = select(func.min(order.ordered_on)).where(*later).correlate(days).scalar_subquery()
        # The last step finds no day: NULL, to which nothing is added.
        days = days.union_all(select(step).where(days.c.day.is_not(None)))
        order = aliased(Order)
        start = select(self._start(order)).where(order.ordered_on == days.c.day)
        start = start.where(*self._conditions(order)).correlate(days)
        return select(days.c.day, start.scalar_subquery().label("start"))

    def _start(self, order: Any) -> ColumnElement[str]:
        return func.max(order.number_key) if self.descending else func.min(order.number_key)

    def _conditions(self, order: Any = Order) -> list[ColumnElement[bool]]:
        if self.beyond is None:
            return []
        key = order.number_key
        return [key < self.beyond if self.descending else key > self.beyond]

    def _directed(self, column: Any) -> Any:
        return column.desc() if self.descending else column.asc()

    def _is_before(self, key: str, start: str) -> bool:
        return key > start if self.descending else key < start
