"""The log of waits: which plain function waited for what, where, how often and how long.

It lives in memory and has an entry for each place in the code, not for each wait. With the
environment variable QUARTERDECK_BRIDGE_WAITS=FILE, the process writes it to the file at its end,
with the columns of each place.
"""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

VARIABLE = "QUARTERDECK_BRIDGE_WAITS"
_HEADS = ("count", "seconds", "place", "what", "cure")
_NOT_OF_THE_APP = ("quarterdeck.", "sqlalchemy.")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the code.

    Attributes:
        file: The source file or the template.
        line: The line in it.
        function: The plain function there; empty for a template.
        first: The first line of that function.
        end_line: The last line of the expression; these three are 0 if they are not recorded.
        column: Its first column, in bytes.
        end_column: The column after it.
    """

    file: str
    line: int
    function: str
    first: int = 0
    end_line: int = 0
    column: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class Wait(Place):
    """The waits of one kind at one place.

    Attributes:
        kind: "wait" for an operation such as a query, "lazy load" for a relationship that was
            read, "blocking" for code that held up the event loop.
        what: The operation, such as "session.commit" or "Post.comments".
        count: How often.
        seconds: How long in all.
        cure: How to avoid it; empty if the place only needs an ``await``.
    """

    kind: str = "wait"
    what: str = ""
    count: int = 0
    seconds: float = 0.0
    cure: str = ""


_entries: dict[tuple[Place, str, str, str], list[float]] = {}
_records_columns = VARIABLE in os.environ


def note(kind: str, what: str, frame: FrameType, seconds: float) -> None:
    """Note a wait of the code of a frame; those of the kit and of SQLAlchemy are left out."""
    if not frame.f_globals.get("__name__", "").startswith(_NOT_OF_THE_APP):
        note_at(kind, what, place_of(frame), seconds)


def place_of(frame: FrameType) -> Place:
    """Return the place that a frame has come to."""
    code = frame.f_code
    first = code.co_firstlineno
    if not _records_columns:
        return Place(code.co_filename, frame.f_lineno, code.co_qualname, first)
    line, end_line, column, end_column = list(code.co_positions())[frame.f_lasti // 2]
    return Place(
        code.co_filename,
        line or frame.f_lineno,
        code.co_qualname,
        first,
        end_line or 0,
        column or 0,
        end_column or 0,
    )


def note_at(kind: str, what: str, place: Place, seconds: float, cure: str = "") -> None:
    """Note a wait at a place."""
    entry = _entries.setdefault((place, kind, what, cure), [0, 0.0])
    entry[0] += 1
    entry[1] += seconds


def waits() -> list[Wait]:
    """Return the log of this process, the longest waits first."""
    found = [
        Wait(**asdict(place), kind=kind, what=what, count=int(count), seconds=seconds, cure=cure)
        for (place, kind, what, cure), (count, seconds) in [*_entries.items()]
    ]
    return sorted(found, key=lambda each: each.seconds, reverse=True)


def clear_waits() -> None:
    """Forget all waits."""
    _entries.clear()


def report_waits() -> str:
    """Return the log as a table for people, the longest waits first."""
    rows = [_HEADS, *map(_row, waits())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return "\n".join(_lines(rows, widths))


def write_waits(file: str) -> None:
    """Write the log to a file, an object of JSON in each line."""
    lines = [json.dumps(asdict(each)) for each in waits()]
    Path(file).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _row(entry: Wait) -> tuple[str, ...]:
    what = entry.what if entry.kind == "wait" else f"{entry.kind} {entry.what}"
    place = f"{entry.file}:{entry.line}"
    return str(entry.count), f"{entry.seconds:.3f}", place, what, entry.cure


def _lines(rows: list[tuple[str, ...]], widths: list[int]) -> Iterator[str]:
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


if _records_columns:
    atexit.register(write_waits, os.environ[VARIABLE])
