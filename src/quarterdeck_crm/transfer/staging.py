"""Orders and their lines between check and writing: on disk, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby, islice
from typing import Any, NamedTuple, TypedDict

import msgspec

from quarterdeck_crm.models import OrderState
from quarterdeck_crm.money import line_amount

PORTION = 250  # orders that are compared, or written, at a time

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE header (
    key TEXT PRIMARY KEY, place INTEGER, id INTEGER, needs_lines INTEGER, content BLOB
);
CREATE TABLE line (key TEXT, place INTEGER, number TEXT, content BLOB);
BEGIN;
"""
_JOINED = """
SELECT header.key, header.id, header.content, line.content
FROM header LEFT JOIN line ON line.key = header.key
WHERE (header.id IS NULL) = ?
ORDER BY header.rowid, line.rowid
"""
_STRANGERS = """
SELECT place, number FROM line WHERE key NOT IN (SELECT key FROM header) ORDER BY place
"""
_WITHOUT_LINES = """
SELECT place, content FROM header
WHERE needs_lines AND key NOT IN (SELECT key FROM line) ORDER BY place
"""


class Header(TypedDict):
    """The columns of an order that a file decides, and its tags and custom fields."""

    number: str
    account_id: int
    owner_id: int | None
    state: OrderState
    currency: str
    ordered_on: date
    required_on: date | None
    shipped_on: date | None
    freight: Decimal
    ship_name: str | None
    ship_address: str | None
    ship_city: str | None
    ship_region: str | None
    ship_postal_code: str | None
    ship_country: str | None
    remark: str | None
    extras: dict[str, Any]


class LineValues(NamedTuple):
    good_id: int
    quantity: int
    price: Decimal
    discount: Decimal

    @property
    def amount(self) -> Decimal:
        return line_amount(self.quantity, self.price, self.discount)


class StagedHeader(NamedTuple):
    """A row of the file of orders.

    Attributes:
        key: That of its number.
        place: The line of the file.
        id: That of the order with this number, if it is here already.
        needs_lines: Whether it would be a mistake to have no lines.
        content: The values.
    """

    key: str
    place: int
    id: int | None
    needs_lines: bool
    content: Header


class StagedLine(NamedTuple):
    """A row of the file of lines: key of its order, line of the file, number and values."""

    key: str
    place: int
    number: str
    content: LineValues


@dataclass(frozen=True, slots=True)
class StagedOrder:
    """An order with its lines, in the order of the file."""

    number: str
    id: int | None
    header: Header
    lines: list[LineValues]


class Stage:
    """Orders and lines in a temporary database of its own, which vanishes with ``close``.

    SQLite keeps it in a file without a name and holds a few megabytes of it in memory. All
    methods block, and belong on one thread.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(_SCHEMA)
        self._encode = msgspec.msgpack.Encoder().encode
        self._header = msgspec.msgpack.Decoder(Header)
        self._line = msgspec.msgpack.Decoder(LineValues)

    def close(self) -> None:
        self._connection.close()

    def add_headers(self, headers: Iterable[StagedHeader]) -> list[tuple[StagedHeader, int]]:
        """Keep headers; return those with a number seen before, each with its first place."""
        again = []
        for header in headers:
            row = (*header[:-1], self._encode(header.content))
            if not self._run("INSERT OR IGNORE INTO header VALUES (?, ?, ?, ?, ?)", row).rowcount:
                first = self._run("SELECT place FROM header WHERE key = ?", (header.key,))
                again.append((header, first.fetchone()[0]))
        return again

    def add_lines(self, lines: Iterable[StagedLine]) -> None:
        rows = ((*line[:-1], self._encode(line.content)) for line in lines)
        self._connection.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", rows)

    def join(self) -> None:
        """Get ready for the questions below; all headers and lines are there."""
        self._run("CREATE INDEX line_key ON line (key)")

    def strangers(self) -> Iterator[tuple[int, str]]:
        """Yield place and number of the lines without an order in the file of orders."""
        return self._run(_STRANGERS)

    def without_lines(self) -> Iterator[tuple[int, str]]:
        """Yield place and number of the orders that should have lines and have none."""
        for place, content in self._run(_WITHOUT_LINES):
            yield place, self._header.decode(content)["number"]

    def count_new(self) -> int:
        """Return how many orders are not here yet."""
        return int(self._run("SELECT count(*) FROM header WHERE id IS NULL").fetchone()[0])

    def orders(self, *, new: bool) -> Generator[list[StagedOrder], None, None]:
        """Yield the orders that are new, or those that are here already, in portions."""
        joined = groupby(self._run(_JOINED, (new,)), key=lambda row: row[:3])
        orders = (self._order(header, rows) for header, rows in joined)
        while portion := list(islice(orders, PORTION)):
            yield portion

    def _order(self, key: tuple[Any, ...], rows: Iterable[tuple[Any, ...]]) -> StagedOrder:
        _, id_, content = key
        lines = [self._line.decode(row[3]) for row in rows if row[3] is not None]
        header = self._header.decode(content)
        return StagedOrder(header["number"], id_, header, lines)

    def _run(self, statement: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, parameters)
