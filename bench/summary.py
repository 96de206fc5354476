"""The measurements that the README shows, as one table and one chart, in about nine minutes.

Run ``python -m bench.summary`` on a machine without other work. It writes the table into
``README.md`` and ``bench/README.md`` and the chart to ``docs/img/benchmarks.svg``;
``--print`` only prints the table. ``--quick`` does so after one short round, which says nothing.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    api,
    chart,
    hello,
    memory,
    orders,
    orders_mariadb,
    session,
    sockets,
    workers,
)
from bench.side_by_side import CONNECTIONS, Result

ROOT = Path(__file__).parents[1]
CHART = ROOT / "docs" / "img" / "benchmarks.svg"
BEGIN, END = "<!-- bench.summary: begin -->", "<!-- bench.summary: end -->"
HELLO = {"/text": "a text", "/document": "a JSON document", "/page": "a page of 50 rows"}

CHARTED = {
    "a text",
    "a page of 50 rows",
    "order list, SQLite",
    "order list, MariaDB",
    f"WebSocket, 1 to {sockets.SUBSCRIBERS}",
    "memory with 4 workers, MiB",
}

# The column of each peer, by the beginning of its name.
COLUMNS = {
    "Flask": "Flask, gunicorn",
    "FastAPI": "FastAPI, uvicorn",
    "Litestar": "Litestar, uvicorn",
    "Django, gunicorn": "Django, gunicorn",
    "Django, uvicorn": "Django, uvicorn",
    "Quart, Hypercorn": "Quart, Hypercorn",
    "websockets": "`websockets`",
}


def measure(*, rounds: int = 5, seconds: int = 2) -> list[Result]:
    """Run everything, ours against the peers."""
    few = min(rounds, 3)
    pages = hello.compare_all(HELLO, rounds=few, seconds=1)
    sqlite = orders.compare_all(rounds=rounds, seconds=seconds)
    mariadb = orders_mariadb.compare_all([CONNECTIONS], rounds=rounds, seconds=seconds)
    two = workers.compare_orders(rounds=few, seconds=seconds)
    return [
        *(replace(each, what=HELLO[each.what.partition(" ")[0]]) for each in pages),
        *(replace(each, what="order list, SQLite") for each in sqlite),
        *(replace(each, what="order list, MariaDB") for each in mariadb),
        *(replace(each, what="order list, SQLite, 2 workers") for each in two),
        *api.compare_all(rounds=rounds, seconds=seconds),
        *session.compare_all(),
        *sockets.compare_all(rounds=rounds),
        *memory.starts(rounds),
        *memory.memory(1),
        *memory.memory(memory.WORKERS),
    ]


def table(results: Sequence[Result]) -> str:
    """Return a Markdown table: a row for each measurement, a column for each peer."""
    rows: dict[str, dict[str, str]] = {}
    for result in results:
        row = rows.setdefault(result.what, {})
        if result.by_cpu is None:
            row.setdefault(
                "ours", f"{result.cpu:,.1f}" if result.cpu < 100 else f"{result.cpu:,.0f}"
            )
        elif column := column_of(result.name):
            row[column] = str(result.by_cpu)
    used = [name for name in COLUMNS.values() if any(name in row for row in rows.values())]
    lines = [
        f"| | ours | {' | '.join(used)} |",
        f"|---|{'---|' * (len(used) + 1)}",
    ]
    for what, row in rows.items():
        cells = [row.get(name, "–") for name in ("ours", *used)]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def column_of(name: str) -> str | None:
    """Return the column of a peer; None for further rows of ours."""
    return next((column for start, column in COLUMNS.items() if name.startswith(start)), None)


def write(file: Path, text: str) -> None:
    """Replace what stands between the marks of a file."""
    before, _, rest = file.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        sys.exit(f"'{file}' lacks the marks '{BEGIN}' and '{END}'.")
    file.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def main(arguments: Sequence[str] = ()) -> None:
    started, load_before = time.monotonic(), os.getloadavg()[1]
    is_quick = "--quick" in arguments
    results = measure(rounds=1, seconds=1) if is_quick else measure()
    when = f"{datetime.now(UTC):%d %B %Y}".lstrip("0")
    about = (
        f"`python -m bench.summary`, {when}, {os.cpu_count()} cores, "
        f"load {load_before:.1f} before, "
        f"Python {platform.python_version()}. Ours are CPU microseconds for one answer, unless the "
        "row has another unit. A peer's column is its value divided by ours (the median, and the "
        "range of the rounds): above 1, ours needs less."
    )
    text = f"{table(results)}\n\n{about}"
    print(f"\n{text}\n\n{time.monotonic() - started:.0f} seconds")
    if is_quick or "--print" in arguments:
        return
    write(ROOT / "README.md", f"![{chart.TITLE}]({CHART.relative_to(ROOT)})\n\n{text}")
    write(ROOT / "bench" / "README.md", text)
    charted = [result for result in results if result.what in CHARTED]
    CHART.write_text(chart.draw(charted, column_of), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
