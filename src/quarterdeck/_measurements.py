"""Figures that a room contributes to the metrics of an app.

A state takes part by having a method ``measurements() -> Iterable[Measurement]``. It is called
about once a second on the event loop, so it must be quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._state import states_of

if TYPE_CHECKING:
    from quart import Quart


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure of this process.

    Attributes:
        name: Without the namespace, in lower case with underscores.
        help: One sentence for the reader of ``/metrics``.
        value: At this moment.
        labels: By name. Their values must come from a small set.
        is_counter: Whether it only grows while the process lives.
        is_shared: Whether all processes measure the same thing, such as the rows of a table. The
            latest value counts then, instead of the sum.
    """

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    is_counter: bool = False
    is_shared: bool = False


def measurements_of(app: Quart) -> Iterator[Measurement]:
    """Yield the figures of all rooms of an app."""
    for state in states_of(app):
        measure = getattr(state, "measurements", None)
        if measure is not None:
            yield from measure()
