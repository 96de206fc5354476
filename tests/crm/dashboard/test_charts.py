"""Where the marks of a chart stand."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from quarterdeck_crm.dashboard.charts import HEIGHT, TOP, column_chart, scale_of, share, short


@pytest.mark.parametrize(
    ("largest", "scale"),
    [
        ("123798.68", ["0", "50000", "100000", "150000"]),
        ("100", ["0", "25", "50", "75", "100"]),
        ("0.7", ["0", "0.2", "0.4", "0.6", "0.8"]),
        ("9", ["0", "2.5", "5", "7.5", "10"]),
        ("0", ["0", "1"]),
        ("-5", ["0", "1"]),
    ],
)
def test_scale_has_few_round_numbers(largest: str, scale: list[str]) -> None:
    assert scale_of(Decimal(largest)) == [Decimal(number) for number in scale]


@pytest.mark.parametrize("power", range(-3, 12))
def test_scale_always_reaches_the_largest_value(power: int) -> None:
    for digits in range(1, 1000):
        largest = Decimal(digits).scaleb(power)
        scale = scale_of(largest)
        assert scale[-2] < largest <= scale[-1]
        assert 3 <= len(scale) <= 6


@pytest.mark.parametrize(
    ("number", "shown"),
    [("0", "0"), ("250", "250"), ("2500", "2.5k"), ("150000", "150k"), ("40000000", "40M")],
)
def test_scale_numbers_are_short(number: str, shown: str) -> None:
    assert short(Decimal(number)) == shown


def test_columns_stand_on_the_ground_line_and_below_the_top() -> None:
    chart = column_chart([("Jan", Decimal(40)), ("Feb", Decimal(100)), ("Mar", Decimal(-3))])
    assert [column.height for column in chart.columns] == [0.4 * HEIGHT, HEIGHT, 0]
    assert all(column.y + column.height == TOP + HEIGHT for column in chart.columns)
    assert all(0 < c.x < c.middle < c.x + c.width <= 100 for c in chart.columns)


def test_columns_do_not_touch() -> None:
    columns = column_chart([(str(n), Decimal(n)) for n in range(12)]).columns
    for left, right in pairwise(columns):
        assert left.x + left.width < right.x


def test_chart_of_nothing_has_a_scale() -> None:
    chart = column_chart([])
    assert chart.columns == ()
    assert [tick.label for tick in chart.ticks] == ["0", "1"]


def test_share_is_a_percentage_of_the_largest() -> None:
    assert share(Decimal(1), Decimal(3)) == 33.33
    assert share(0, 0) == 0
    assert share(-2, 10) == 0
