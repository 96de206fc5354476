"""One database connection that all transactions of an app share, each as a savepoint of it.

Transactions may be inside one another, as that of the browser session during a request, or side
by side, as those of background tasks. Savepoints are a stack, so a commit of one that is not on
top waits there. A rollback of one that is not on top would take along the work that others have
committed since: that work is done again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import NullPool, Pool

from quarterdeck.exceptions import IsolatedTransactionError
from quarterdeck.sqlalchemy.sqlite import writes

_SAVEPOINT = re.compile(r"(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT) (\S+)")


@dataclass(eq=False)
class Transaction:
    """A savepoint on the stack.

    Attributes:
        name: Of the savepoint.
        changes: The statements that may have written, with their place among those of all.
        marks: The number of changes at each savepoint inside it.
        is_done: Whether it is committed, and waits for those above it.
    """

    name: str
    began: int
    changes: list[tuple[int, Callable[[Any], None]]] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    is_done: bool = False


class SharedConnection:
    """The connection and its stack of savepoints.

    Args:
        connection: As the driver made it, with a transaction under way.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._loop = asyncio.get_running_loop()
        self._numbers = count()
        self._stack: list[Transaction] = []
        self._committed: list[Transaction] = []  # since the stack was last empty

    def pool_for(self, engine: Engine) -> Pool:
        """Return a pool for the engine that hands out views of this connection."""
        return NullPool(self._view, dialect=engine.dialect)

    def _view(self) -> Any:
        if asyncio.get_running_loop() is not self._loop:
            raise IsolatedTransactionError(
                "the database was used from another event loop",
                "Run commands of the app outside of the block",
            )
        return View(self)

    def begin(self) -> Transaction:
        """Begin a transaction above all others."""
        number = next(self._numbers)
        transaction = Transaction(f"isolated_{number}", number)
        self._run(f"SAVEPOINT {transaction.name}")
        self._stack.append(transaction)
        return transaction

    def next_number(self) -> int:
        return next(self._numbers)

    def commit(self, transaction: Transaction) -> None:
        """Keep the work of a transaction."""
        if transaction not in self._stack:
            return  # it has only read, and was ended along with one below it
        transaction.is_done = True
        while self._stack and self._stack[-1].is_done:
            done = self._stack.pop()
            self._run(f"RELEASE SAVEPOINT {done.name}")
            self._committed.append(done)
        if not self._stack:
            self._committed.clear()

    def rollback(self, transaction: Transaction) -> None:
        """Undo the work of a transaction, and of no other.

        Raises:
            IsolatedTransactionError: If another one above it has written and is not done yet.
        """
        if transaction not in self._stack:
            return
        position = self._stack.index(transaction)
        above = self._stack[position + 1 :]
        if above and not transaction.changes:
            self.commit(transaction)  # it has only read
            return
        if any(other.changes and not other.is_done for other in above):
            raise IsolatedTransactionError(
                "a transaction was rolled back while a later one was writing",
                "Let them run one after the other, or give the test a database of its own",
            )
        self._run(f"ROLLBACK TO SAVEPOINT {transaction.name}")
        self._run(f"RELEASE SAVEPOINT {transaction.name}")
        del self._stack[position:]
        others = [*self._committed, *self._stack, *above]
        lost = [change for other in others for change in other.changes]
        for number, repeat in sorted(lost, key=lambda change: change[0]):
            if number > transaction.began:
                repeat(self.connection.cursor())
        if not self._stack:
            self._committed.clear()

    def _run(self, statement: str) -> None:
        cursor = self.connection.cursor()
        cursor.execute(statement)
        cursor.close()


class View:
    """The shared connection as one user of the pool sees it."""

    def __init__(self, shared: SharedConnection) -> None:
        self._shared = shared
        self._transaction: Transaction | None = None

    def cursor(self, *args: Any, **options: Any) -> Any:
        if self._transaction is None:
            self._transaction = self._shared.begin()
        cursor = self._shared.connection.cursor(*args, **options)
        return Cursor(cursor, self._shared, self._transaction)

    def commit(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self._shared.commit(transaction)

    def rollback(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self._shared.rollback(transaction)

    def close(self) -> None:
        self.rollback()

    terminate = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shared.connection, name)


class Cursor:
    """A cursor that remembers the statements that may have written."""

    def __init__(self, cursor: Any, shared: SharedConnection, transaction: Transaction) -> None:
        self._cursor = cursor
        self._shared = shared
        self._transaction = transaction

    def execute(self, statement: str, parameters: Any = None) -> Any:
        given = () if parameters is None else (parameters,)
        if found := _SAVEPOINT.fullmatch(statement):
            return self._cursor.execute(self._mark(*found.groups()))
        self._note(statement, lambda cursor: cursor.execute(statement, *given))
        return self._cursor.execute(statement, *given)

    def executemany(self, statement: str, parameters: Any) -> Any:
        self._note(statement, lambda cursor: cursor.executemany(statement, parameters))
        return self._cursor.executemany(statement, parameters)

    def _note(self, statement: str, repeat: Callable[[Any], Any]) -> None:
        if writes(statement):

            def again(cursor: Any) -> None:
                repeat(cursor)
                cursor.close()

            self._transaction.changes.append((self._shared.next_number(), again))

    def _mark(self, verb: str, name: str) -> str:
        """Note a savepoint inside the transaction; other transactions have one of this name."""
        inside = self._transaction
        if verb == "SAVEPOINT":
            inside.marks[name] = len(inside.changes)
        elif verb == "ROLLBACK TO SAVEPOINT":
            del inside.changes[inside.marks[name] :]
        return f"{verb} {name}_{inside.name}"

    def __iter__(self) -> Any:
        return iter(self._cursor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
