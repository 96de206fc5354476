"""Tables in plain text."""

from __future__ import annotations

from collections.abc import Iterable

Row = dict[str, str]


def text_table(rows: Iterable[Row], columns: tuple[str, ...]) -> str:
    """Return the rows in columns as wide as their longest text, below a line of headings."""
    lines = [dict(zip(columns, columns, strict=True)), *rows]
    widths = {name: max(len(line[name]) for line in lines) for name in columns}
    lines.insert(1, {name: "-" * width for name, width in widths.items()})
    return "\n".join(
        "  ".join(line[name].ljust(widths[name]) for name in columns).rstrip() for line in lines
    )
