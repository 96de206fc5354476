"""The statements that a block of code sends to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from quart import Quart

if TYPE_CHECKING:
    from quarterdeck.sqlalchemy import SQLAlchemy

SAVEPOINTS = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")


@contextmanager
def recorded_statements(db: SQLAlchemy, app: Quart | None = None) -> Iterator[list[str]]:
    """Collect the SQL of the block, also that of other tasks::

        with recorded_statements(db, app) as statements:
            await client.get("/orders/")
        assert len(statements) <= 4

    Savepoints are left out: how many there are depends on how the test isolates the database.

    Args:
        db: The extension.
        app: The app of the databases; the current one if None.
    """
    from sqlalchemy import event  # what is tested may have no database

    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(SAVEPOINTS):
            statements.append(statement)

    with ExitStack() as stack:
        for engine in db._state.get(app).engines.values():
            target = engine.sync_engine
            event.listen(target, "before_cursor_execute", note)
            stack.callback(event.remove, target, "before_cursor_execute", note)
        yield statements
