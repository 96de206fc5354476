"""The first orders of a range of days by number, read from an index day by day.

Numbers usually grow with the days, so that an index of the numbers alone may be read almost to its
end before it comes to these days. Here each day takes one step in an index to its first number, and
the orders of the days are merged. So the cost grows with the days, not with the orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from quarterdeck_crm.models import Order

from .hints import MYSQL, forced

ROW: Sequence[Any] = (Order.id, Order.number_key)
INDEX = "ix_order_ordered_on_order_number_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRange:
    """Orders of some days by number.

    Attributes:
        first: The first day.
        last: The last day.
        descending: Whether the highest numbers come first.
        beyond: The key of the number after which the orders begin; None is the beginning.
    """

    first: date
    last: date
    descending: bool
    beyond: str | None = None

    async def read(self, session: AsyncSession, most: int) -> list[int]:
        """Return the ids of the first orders, ``most`` of them if there are so many."""
        is_mysql = session.get_bind(Order).dialect.name in MYSQL
        starts = (self._grouped() if is_mysql else self._stepped()).subquery()
        nearest = select(starts).where(starts.c.start.is_not(None)).limit(most)
        found: list[Row[Any]] = []
        for day, start in await session.execute(nearest.order_by(self._directed(starts.c.start))):
            if len(found) == most and self._is_before(found[-1].number_key, start):
                break
            of_day = select(*ROW).where(Order.ordered_on == day)
            of_day = of_day.order_by(self._directed(Order.number_key)).limit(most)
            rows = await session.execute(forced(of_day.where(*self._conditions()), Order, INDEX))
            merged = sorted([*found, *rows], key=lambda row: row.number_key)
            found = (merged[::-1] if self.descending else merged)[:most]
        return [row.id for row in found]

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
