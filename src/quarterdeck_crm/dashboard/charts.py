"""Charts drawn by the server: where each mark stands; ``_ui/charts.html`` writes the SVG.

Across, positions are percentages, so that a chart fills whatever width it gets while its
text stays the size of other text; down, they are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

HEIGHT = 200
TOP = 12  # room for half a line of text above the highest tick
LEFT = 9.0  # per cent, for the numbers of the scale
GAP = 0.28  # of a column's share of the width
STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the scale with its number."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``x``, ``middle`` and ``width`` in per cent, ``y`` and ``height`` in pixels."""

    label: str
    value: Decimal
    x: float
    middle: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Columns over a scale that starts at zero."""

    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    height: int = HEIGHT


def column_chart(values: Sequence[tuple[str, Decimal]]) -> ColumnChart:
    """Return a chart of one column per value; values below zero are drawn as zero."""
    scale = scale_of(max((value for _, value in values), default=Decimal(0)))
    share = (100 - LEFT) / max(len(values), 1)
    columns = []
    for number, (label, value) in enumerate(values):
        height = _height(max(value, Decimal(0)), scale[-1])
        columns.append(
            Column(
                label=label,
                value=value,
                x=_round(LEFT + share * (number + GAP / 2)),
                middle=_round(LEFT + share * (number + 0.5)),
                width=_round(share * (1 - GAP)),
                y=_round(TOP + HEIGHT - height),
                height=_round(height),
            )
        )
    ticks = tuple(
        Tick(_round(TOP + HEIGHT - _height(tick, scale[-1])), short(tick)) for tick in scale
    )
    return ColumnChart(tuple(columns), ticks)


def scale_of(largest: Decimal, lines: int = 4) -> list[Decimal]:
    """Return round numbers from zero to the first one that is not below ``largest``."""
    if largest <= 0:
        return [Decimal(0), Decimal(1)]
    rough = largest / lines
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(step * power for step in STEPS if step * power >= rough)
    count = int((largest / step).to_integral_value(ROUND_CEILING))
    return [step * number for number in range(count + 1)]


def short(number: Decimal) -> str:
    """Return a number for a scale, for example ``250``, ``2.5k`` or ``40M``."""
    for limit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= limit:
            return f"{(number / limit).normalize():f}{letter}"
    return f"{number.normalize():f}"


def share(value: Decimal | int, largest: Decimal | int) -> float:
    """Return how many per cent of the largest value a value is, for a bar beside it."""
    return _round(100 * float(value) / float(largest)) if largest > 0 and value > 0 else 0.0


def _height(value: Decimal, highest: Decimal) -> float:
    return HEIGHT * float(value / highest)


def _round(number: float) -> float:
    return round(number, 2)
