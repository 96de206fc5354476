"""Reading CSV files in batches, with every mistake named by its line."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from quarterdeck.babel import gettext as _
from quarterdeck.babel import ngettext
from quarterdeck_crm.languages import marked as N_

from .columns import CSVColumn, ExpectedError, RefusedTextError, Table
from .texts import Text

BATCH = 1000
SAVE_AS_UTF8 = N_(
    "Save the file as UTF-8: in Excel choose the type 'CSV UTF-8', in LibreOffice the character "
    "set 'Unicode (UTF-8)'."
)
MAX_MISTAKES = 100


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a file. ``line`` counts from 1, the header; None is the whole file."""

    file: str
    line: int | None
    text: Text

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place = _("%(file)s, line %(line)s", file=self.file, line=self.line)
        return f"{place}: {self.text}"


@dataclass
class Mistakes:
    """The mistakes found so far: the first 100 in words, all of them counted."""

    shown: list[Mistake] = field(default_factory=list)
    count: int = 0

    def add(self, file: str, line: int | None, text: str, /, **values: str | int | Text) -> None:
        """Keep a mistake; ``text`` is marked for translation, with variables as ``%(code)s``."""
        self.count += 1
        if len(self.shown) < MAX_MISTAKES:
            self.shown.append(Mistake(file, line, Text(text, values)))

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        return ngettext(
            "1 mistake: nothing was imported. Correct the file and import it again.",
            "%(num)s mistakes: nothing was imported. Correct the file and import it again.",
            self.count,
        )

    @property
    def unlisted(self) -> str | None:
        """The number of mistakes beyond those in ``shown``, in words."""
        hidden = self.count - len(self.shown)
        return _("and %(number)s more", number=hidden) if hidden else None


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it starts on and its values, of the columns that the file has."""

    line: int
    values: dict[str, Any]


class CSVFile:
    """A UTF-8 CSV file. Its rows are read and checked against a table, in batches.

    Comma, semicolon and tab are understood as separators, a byte order mark is skipped.

    Attributes:
        unknown: Header names that the table does not know; their cells are not imported.
        bytes_read: How far the reading has come.
        bytes_total: The size of the file.
    """

    def __init__(self, path: Path, table: Table, mistakes: Mistakes, *, name: str = "") -> None:
        self.path = path
        self.name = name or path.name
        self.table = table
        self.mistakes = mistakes
        self.unknown: tuple[str, ...] = ()
        self.broken = False
        self._point = True
        self.bytes_read = 0
        self.bytes_total = path.stat().st_size

    def batches(self) -> Generator[list[Row], None, None]:
        """Yield the valid rows, up to 1,000 at a time; mistakes go to ``mistakes``.

        It blocks: run it in a thread.
        """
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                yield from self._read(file)
        except UnicodeDecodeError:
            line, text, values = self._undecodable()
            self.mistakes.add(self.name, line, text, **values, remedy=Text(SAVE_AS_UTF8))

    def _read(self, file: TextIO) -> Generator[list[Row], None, None]:
        delimiter = _delimiter(file)
        # Programs that separate by semicolons write a decimal comma, and may group by points.
        self._point = delimiter != ";"
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        records = self._records(reader)
        columns = self._header(next(records, (1, None))[1])
        if columns is None:
            return
        batch: list[Row] = []
        for line, cells in records:
            if row := self._row(line, columns, cells):
                batch.append(row)
            if len(batch) == BATCH:
                self.bytes_read = file.buffer.tell()
                yield batch
                batch = []
        self.bytes_read = self.bytes_total
        if batch:
            yield batch

    def _records(self, reader: Any) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the line on which it starts, up to the first broken one."""
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                self.broken = True
                self.mistakes.add(self.name, line, _in_words(error), error=str(error))
                return
            if cells is None:
                return
            yield line, cells

    def _undecodable(self) -> tuple[int | None, str, dict[str, str]]:
        """Return the line of the first bytes that are not UTF-8, and the text about them."""
        with self.path.open("rb") as file:
            if file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
                return None, N_("is UTF-16 text, not UTF-8. %(remedy)s"), {}
            file.seek(0)
            for number, raw in enumerate(file, 1):
                try:
                    raw.decode()
                except UnicodeDecodeError as error:
                    near = raw[max(0, error.start - 15) : error.start + 15]
                    word = printable(near.decode("cp1252", "replace").strip())
                    text = N_("is not UTF-8 text, perhaps Windows-1252 ('%(word)s'). %(remedy)s")
                    return number, text, {"word": word}
        return None, N_("is not UTF-8 text. %(remedy)s"), {}

    def _header(self, cells: list[str] | None) -> list[CSVColumn | None] | None:
        if self.broken:
            return None
        if not cells:
            self.mistakes.add(self.name, None, N_("is empty; the first line must name the columns"))
            return None
        before = self.mistakes.count
        columns = [self.table.column_for(cell) for cell in cells]
        self.unknown = tuple(
            cell for cell, column in zip(cells, columns, strict=True) if column is None
        )
        present = [column.name for column in columns if column]
        for name in sorted({name for name in present if present.count(name) > 1}):
            self.mistakes.add(self.name, 1, N_("has the column '%(name)s' twice"), name=name)
        missing = [c.name for c in self.table.columns if c.required and c.name not in present]
        if missing:
            text = N_("lacks the column %(missing)s; %(title)s may have %(names)s")
            if len(missing) > 1:
                text = N_("lacks the columns %(missing)s; %(title)s may have %(names)s")
            self.mistakes.add(
                self.name,
                1,
                text,
                missing=", ".join(missing),
                title=Text(self.table.title),
                names=", ".join(self.table.names),
            )
        return columns if self.mistakes.count == before else None

    def _row(self, line: int, columns: list[CSVColumn | None], cells: list[str]) -> Row | None:
        if not any(cells):
            return None
        if len(cells) != len(columns):
            text = N_("has %(cells)s cells where the header has %(columns)s")
            self.mistakes.add(self.name, line, text, cells=len(cells), columns=len(columns))
            return None
        before = self.mistakes.count
        values: dict[str, Any] = {}
        for column, cell in zip(columns, cells, strict=True):
            if column is not None:
                self._cell(line, column, cell.strip(), values)
        return Row(line, values) if self.mistakes.count == before else None

    def _cell(self, line: int, column: CSVColumn, cell: str, values: dict[str, Any]) -> None:
        text = without_guard(cell).strip()
        if not text:
            values[column.name] = column.default
            if column.required and column.filled:
                self.mistakes.add(self.name, line, N_("'%(column)s' is empty"), column=column.name)
            return
        try:
            values[column.name] = column.read(text, point=self._point)
        except ExpectedError as error:
            shown = printable(cell if len(cell) <= 40 else cell[:40] + "…")
            text = N_("'%(column)s' is '%(shown)s', expected %(reason)s")
            if isinstance(error, RefusedTextError):
                text = N_("'%(column)s' is '%(shown)s'. %(reason)s")
            named = {"column": column.name, "shown": shown}
            self.mistakes.add(self.name, line, text, **named, reason=error.text)


# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def with_guard(cell: str) -> str:
    """Return a cell with an apostrophe if a spreadsheet would run it as a formula."""
    return "'" + cell if _FORMULA.match(cell) else cell


def without_guard(cell: str) -> str:
    """Return a cell as it was before ``with_guard``."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def without_last(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows without those of the last reference, which may have more in the next batch.

    The second list has the rows that are left over.
    """
    place = len(rows)
    reference = rows[-1].values.get("reference")
    while reference and place and rows[place - 1].values.get("reference") == reference:
        place -= 1
    return rows[:place], rows[place:]


def printable(text: str) -> str:
    """Return text for a message, without characters that a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _in_words(error: csv.Error) -> str:
    """Return the remedy for a record that the csv module cannot read."""
    text = str(error)
    if "field larger" in text:
        return N_("has a cell of more than 131,072 characters. A quotation mark may be missing.")
    if "unexpected end" in text:
        return N_(
            "opens a quotation mark that is not closed before the end of the file. Close it, or "
            'write it twice ("") if it belongs to the text.'
        )
    return N_(
        'cannot be read as CSV (%(error)s). Write a quotation mark inside a quoted cell twice ("").'
    )


def _delimiter(file: TextIO) -> str:
    first = file.readline()
    file.seek(0)
    return max(",;\t", key=first.count)
