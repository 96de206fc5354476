"""Orders added up, so that figures of all orders are read from a few rows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .columns import Currency

ALL_TIME: Final = 0  # the period without an end
SERIES_LENGTH: Final = 16


class OrderSum(Model):
    """The orders of one series, currency, period and subject, added up.

    ``orders.sums`` keeps the rows exact. Amounts of any size stay exact on both databases,
    because they are two integers: ``whole`` units, and the ``millionths`` that remain.

    ``series`` is one of these:

    - the value of an ``OrderState``: the orders in this state, by month; the subject is 0
    - ``owner``: the sales of an owner by month; the subject 0 is no owner
    - ``account`` and ``good``: the sales to an account and of a good, by year and for all time

    A month is a ``period`` as 202611, a year as 2026, and all time is 0. ``number`` counts orders,
    for goods pieces. Sales are confirmed, shipped and paid orders.
    """

    __tablename__ = "order_sum"
    # The order in which the best of a period are read.
    __table_args__ = (
        Index("ix_order_sum_best", "series", "currency", "period", "whole", "millionths"),
    )

    series: Mapped[str] = mapped_column(String(SERIES_LENGTH), primary_key=True)
    currency: Mapped[Currency] = mapped_column(primary_key=True)
    period: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    whole: Mapped[int] = mapped_column(BigInteger)
    millionths: Mapped[int]
