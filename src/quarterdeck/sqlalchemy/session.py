"""The db session: an ``AsyncSession`` that belongs to one task and knows its engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, event, inspect, orm
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    AsyncSessionTransaction,
)
from sqlalchemy.sql.util import find_tables

from quarterdeck.exceptions import (
    RepeatedTransactionError,
    SessionSharedError,
    TransactionOwnedError,
    UnknownBindError,
)

from . import sqlite
from .after_commit import AfterCommit, Callback
from .keeping import Kept
from .loading import refuse_lazy_load
from .repeating import repeat

T = TypeVar("T")
Binds = Mapping[str | None, AsyncEngine | AsyncConnection]


class RoutedSession(orm.Session):
    """The synchronous inside of a session: each table goes to the engine of its bind key."""

    def __init__(self, *, engines: Mapping[str | None, Engine | Connection], **options: Any):
        super().__init__(**options)
        self._engines = engines
        self.after_commit = AfterCommit()
        self._has_written = False

    @property
    def has_changes(self) -> bool:
        """Whether anything waits for a commit; what ``text()`` did is not known."""
        return self._has_written or bool(self.new or self.dirty or self.deleted)

    def get_bind(
        self, mapper: Any = None, *, clause: Any = None, bind: Any = None, **_: Any
    ) -> Engine | Connection:
        if bind is not None:
            return bind  # type: ignore[no-any-return]
        if len(self._engines) == 1:  # nearly always, and asked for at every statement
            return self._engines[None]
        key = _bind_key(mapper, clause)
        try:
            return self._engines[key]
        except KeyError:
            raise UnknownBindError(str(key)) from None


@event.listens_for(RoutedSession, "after_transaction_create")
def _transaction_began(session: RoutedSession, transaction: orm.SessionTransaction) -> None:
    session.after_commit.began(transaction)


@event.listens_for(RoutedSession, "after_soft_rollback")
def _transaction_rolled_back(session: RoutedSession, transaction: orm.SessionTransaction) -> None:
    session.after_commit.rolled_back(transaction)


@event.listens_for(RoutedSession, "after_transaction_end")
def _transaction_ended(session: RoutedSession, transaction: orm.SessionTransaction) -> None:
    if transaction.parent is None:
        session._has_written = False


@event.listens_for(RoutedSession, "after_flush")
def _flushed(session: RoutedSession, _context: orm.UOWTransaction) -> None:
    session._has_written = True


@event.listens_for(RoutedSession, "do_orm_execute")
def _will_execute(execution: orm.ORMExecuteState) -> None:
    refuse_lazy_load(execution)
    if execution.is_insert or execution.is_update or execution.is_delete:
        cast(RoutedSession, execution.session)._has_written = True


def _bind_key(mapper: Any, clause: Any) -> str | None:
    """Return the bind key of what a statement is about; None is the default database."""
    if mapper is not None:
        table = inspect(mapper).persist_selectable
    else:
        tables = find_tables(clause, include_crud=True) if clause is not None else []
        table = tables[0] if tables else clause
    metadata = getattr(table, "metadata", None)
    return None if metadata is None else metadata.info.get("bind_key")


class Session(AsyncSession):
    """What ``db.session`` and ``db.new_session()`` give.

    It belongs to the task that uses it first; any other task is refused as long as that one
    runs. Nothing expires at a commit, so what was loaded stays readable.
    """

    sync_session_class = RoutedSession

    def __init__(
        self, binds: Binds, *, owner: asyncio.Task[Any] | None = None, **options: Any
    ) -> None:
        self._owner = owner
        self._in_block = False
        engines = {
            key: bind.sync_engine if isinstance(bind, AsyncEngine) else bind.sync_connection
            for key, bind in binds.items()
        }
        super().__init__(expire_on_commit=False, engines=engines, **options)

    # Every operation of AsyncSession goes through one of these two attributes, so this
    # is the one door at which the task is checked.
    @property
    def sync_session(self) -> orm.Session:
        self._check_owner()
        return self._sync_session

    @sync_session.setter
    def sync_session(self, value: orm.Session) -> None:
        self._sync_session = value

    @property
    def _proxied(self) -> orm.Session:
        return self.sync_session

    @_proxied.setter
    def _proxied(self, value: orm.Session) -> None:
        self._sync_session = value

    def _check_owner(self) -> None:
        try:
            task = asyncio.current_task()
        except RuntimeError:
            raise SessionSharedError("a thread without an event loop") from None
        if self._owner is None or self._owner.done():
            self._owner = task
        elif self._owner is not task:
            raise SessionSharedError(
                "another task" if task is None else f"task {task.get_name()!r}"
            )

    @property
    def is_idle_in_its_task(self) -> bool:
        """Whether the caller may end the unit of work: its own, and no block is open."""
        return self._owner is asyncio.current_task() and not self._in_block

    def after_commit(self, callback: Callback) -> None:
        """Call ``callback`` once what is under way is committed; forget it on a rollback.

        It may be a plain or an ``async`` function without arguments. An error in it is logged
        and changes nothing: the transaction is committed.
        """
        self._queue.add(callback)

    @property
    def _queue(self) -> AfterCommit:
        return cast(RoutedSession, self.sync_session).after_commit

    async def get(self, entity: type[T] | orm.Mapper[T], ident: Any, **options: Any) -> T | None:
        """Return the object with this primary key, from memory if it is loaded.

        A number that SQLite cannot hold is the key of nothing, not an error.
        """
        try:
            return await super().get(entity, ident, **options)
        except OverflowError:
            return None

    def begin(self) -> AsyncSessionTransaction:
        """Begin a transaction by hand, as a block; ``db.transaction()`` does more."""
        return _Transaction(self)

    async def commit(self) -> None:
        """Commit, then run the ``after_commit`` callbacks.

        Raises:
            TransactionOwnedError: Inside ``db.transaction()``, which commits at its end.
        """
        if self._in_block:
            raise TransactionOwnedError("commit")
        await super().commit()
        await self._queue.run()

    async def rollback(self) -> None:
        """Roll back; loaded objects expire, those of before a ``db.transaction()`` excepted.

        Raises:
            TransactionOwnedError: Inside ``db.transaction()``: raise an exception instead.
        """
        if self._in_block:
            raise TransactionOwnedError("rollback")
        await super().rollback()
        self._queue.clear()

    async def close(self) -> None:
        """Roll back what was not committed and return the connection; allowed from any task."""
        self._owner = asyncio.current_task()
        await super().close()
        self._queue.clear()
        self._owner = None

    async def remove(self) -> None:
        """Close the session; the next use of ``db.session`` starts afresh."""
        await self.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Commit at the end of the block, or roll back if it raises; inside, a savepoint.

        What was loaded before the block stays readable after a rollback.
        """
        if self._in_block:
            async with self.begin_nested():
                yield self
            return
        kept = Kept(self.sync_session)
        await self._take_write_lock()
        try:
            self._in_block = True
            try:
                yield self
            finally:
                self._in_block = False
            await super().commit()
        except BaseException:
            await self.rollback()
            kept.restore()
            raise
        await self._queue.run()

    async def run(self, work: Callable[[Session], Awaitable[T]], *, retries: int = 3) -> T:
        """Do ``work(session)`` in a transaction, and anew if another one was in the way.

        After a deadlock or a lock that did not come, what the work did is rolled back and the
        work is called again, ``retries`` times at most and within seconds. So it must load what
        it changes itself, and what it does outside of the database belongs into ``after_commit``.

        Raises:
            TransactionConflictError: If there was a conflict each time.
            RepeatedTransactionError: Inside ``db.transaction()``, or with changes not committed.
        """
        if self._in_block:
            problem = "was called inside 'db.transaction()'"
            raise RepeatedTransactionError(problem, "call it outside, or await the work itself")
        if cast(RoutedSession, self.sync_session).has_changes:
            problem = "was called with changes in the session"
            raise RepeatedTransactionError(problem, "make them in the work, or commit before")

        async def attempt() -> T:
            async with self.transaction():
                return await work(self)

        return await repeat(attempt, retries)

    async def _take_write_lock(self) -> None:
        """On SQLite, begin at once, so that what is read in the block is what is changed."""
        if self.get_bind().dialect.name == "sqlite":
            connection = await self.connection()
            await connection.run_sync(sqlite.begin_immediate)


class _Transaction(AsyncSessionTransaction):
    """``session.begin()`` with the callbacks of ``after_commit``."""

    async def commit(self) -> None:
        await super().commit()
        await cast(Session, self.session)._queue.run()

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        await super().__aexit__(type_, value, traceback)
        if type_ is None:
            await cast(Session, self.session)._queue.run()
