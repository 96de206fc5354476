"""How the database goes about the statements of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from quarterdeck_crm.extensions import db
from tests import databases


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements of the block with their values."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        found.append((text, values))

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)


async def plan(text: str, values: Any) -> list[str]:
    """Return how the database goes about a statement, step by step."""
    explain = "EXPLAIN QUERY PLAN " if databases.is_sqlite() else "EXPLAIN "
    async with db.engine.connect() as connection:
        rows = (await connection.exec_driver_sql(explain + text, values)).mappings().all()
    if databases.is_sqlite():
        return [row["detail"] for row in rows]
    return [f"{row['type']} {row['table']} {row['Extra']} {row['key']}" for row in rows]


def is_wasteful(steps: list[str]) -> bool:
    """Whether a table is read without an index, or sorted.

    What a subquery with a LIMIT has found may be; users are few.
    """
    if databases.is_sqlite():
        whole = ("SCAN order", "SCAN account", "SCAN good", "SCAN search_word")
        reads = any(step.startswith(whole) and "INDEX" not in step for step in steps)
        sorts = any("TEMP B-TREE" in step for step in steps)
        return reads or (sorts and not any(step.startswith(FOUND) for step in steps))
    return any(
        step.startswith(("ALL order", "ALL account", "ALL good", "ALL search_word"))
        or (
            ("Using filesort" in step or "Using temporary" in step)
            and not step.startswith(FEW_ROWS)
        )
        for step in steps
    )


def reads_all(steps: list[str]) -> bool:
    """Whether orders are counted by reading an index from end to end."""
    return any(step.startswith(("SCAN order", "index order")) for step in steps)


FOUND = ("SCAN anon",)
FEW_ROWS = ("ALL <derived", "ALL named")  # named: users, for accounts are read from an index
