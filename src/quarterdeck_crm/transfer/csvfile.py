"""Reading CSV files in batches, with every mistake named by its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .columns import Column, Table

BATCH = 1000
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file. ``line`` counts from 1, the header; None is the whole file."""

    file: str
    line: int | None
    text: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.text}"


@dataclass
class Problems:
    """The mistakes found so far: the first 100 in words, all of them counted."""

    shown: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, file: str, line: int | None, text: str) -> None:
        self.count += 1
        if len(self.shown) < MOST_PROBLEMS:
            self.shown.append(Problem(file, line, text))

    def __bool__(self) -> bool:
        return self.count > 0


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it starts on and its values, of the columns that the file has."""

    line: int
    values: dict[str, Any]


class CSVFile:
    """A UTF-8 CSV file whose rows are read and checked against a table, in batches.

    Comma, semicolon and tab are understood as separators, a byte order mark is skipped.

    Attributes:
        unknown: Header names that the table does not know; their cells are not imported.
        bytes_read: How far the reading has come.
        bytes_total: The size of the file.
    """

    def __init__(self, path: Path, table: Table, problems: Problems, *, name: str = "") -> None:
        self.path = path
        self.name = name or path.name
        self.table = table
        self.problems = problems
        self.unknown: tuple[str, ...] = ()
        self.bytes_read = 0
        self.bytes_total = path.stat().st_size

    def batches(self) -> Generator[list[Row], None, None]:
        """Yield the valid rows, up to 1,000 at a time; mistakes go to ``problems``.

        It blocks: run it in a thread.
        """
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                yield from self._read(file)
        except UnicodeDecodeError as error:
            self.problems.add(
                self.name, None, f"is not UTF-8 text ({error.reason} at byte {error.start})"
            )

    def _read(self, file: IO[str]) -> Generator[list[Row], None, None]:
        reader = csv.reader(file, delimiter=_delimiter(file), strict=True)
        columns = self._header(next(reader, None))
        if columns is None:
            return
        batch: list[Row] = []
        line = reader.line_num + 1
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                self.problems.add(self.name, line, f"cannot be read as CSV ({error})")
                break
            if cells is None:
                break
            if row := self._row(line, columns, cells):
                batch.append(row)
            line = reader.line_num + 1
            if len(batch) == BATCH:
                self.bytes_read = file.buffer.tell()  # type: ignore[attr-defined]
                yield batch
                batch = []
        self.bytes_read = self.bytes_total
        if batch:
            yield batch

    def _header(self, cells: list[str] | None) -> list[Column | None] | None:
        if not cells:
            self.problems.add(self.name, None, "is empty; the first line must name the columns")
            return None
        before = self.problems.count
        columns = [self.table.column_for(cell) for cell in cells]
        self.unknown = tuple(
            cell for cell, column in zip(cells, columns, strict=True) if column is None
        )
        present = [column.name for column in columns if column]
        for name in sorted({name for name in present if present.count(name) > 1}):
            self.problems.add(self.name, 1, f"has the column '{name}' twice")
        missing = [c.name for c in self.table.columns if c.required and c.name not in present]
        if missing:
            self.problems.add(
                self.name,
                1,
                f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
                f"{self.table.title} may have {', '.join(self.table.names)}",
            )
        return columns if self.problems.count == before else None

    def _row(self, line: int, columns: list[Column | None], cells: list[str]) -> Row | None:
        if not any(cells):
            return None
        if len(cells) != len(columns):
            self.problems.add(
                self.name, line, f"has {len(cells)} cells where the header has {len(columns)}"
            )
            return None
        before = self.problems.count
        values: dict[str, Any] = {}
        for column, cell in zip(columns, cells, strict=True):
            if column is not None:
                self._cell(line, column, cell.strip(), values)
        return Row(line, values) if self.problems.count == before else None

    def _cell(self, line: int, column: Column, cell: str, values: dict[str, Any]) -> None:
        if not cell:
            values[column.name] = column.default
            if column.required:
                self.problems.add(self.name, line, f"'{column.name}' is empty")
            return
        try:
            values[column.name] = column.parse(without_guard(cell))
        except ValueError as error:
            shown = cell if len(cell) <= 40 else cell[:40] + "…"
            self.problems.add(self.name, line, f"'{column.name}' is '{shown}', expected {error}")


# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def with_guard(cell: str) -> str:
    """Return a cell with an apostrophe before what a spreadsheet would run as a formula."""
    return "'" + cell if _FORMULA.match(cell) else cell


def without_guard(cell: str) -> str:
    """Return a cell as it was before ``with_guard``."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _delimiter(file: IO[str]) -> str:
    first = file.readline()
    file.seek(0)
    return max(",;\t", key=first.count)
