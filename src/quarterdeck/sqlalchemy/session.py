"""The db session: an ``AsyncSession`` that belongs to one task and knows its engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, cast

from sqlalchemy import Connection, Engine, event, inspect, orm, select
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    AsyncSessionTransaction,
)
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql.util import find_tables

from quarterdeck._unawaited import Unawaited, awaited
from quarterdeck.exceptions import (
    RepeatedTransactionError,
    SessionSharedError,
    TransactionOwnedError,
    UnknownBindError,
)

from . import sqlite
from .after_commit import AfterCommit, Callback
from .keys import fitting, identity_key, unfit_is_nothing
from .loading import refuse_lazy_load
from .query import Query, query_of
from .retry import retry
from .snapshot import Snapshot
from .track_modifications import Tracker

T = TypeVar("T")
Binds = Mapping[str | None, AsyncEngine | AsyncConnection]


class RoutedSession(orm.Session):
    """The synchronous inside of a session: each table goes to the engine of its bind key."""

    def __init__(self, *, engines: Mapping[str | None, Engine | Connection], **options: Any):
        super().__init__(**options)
        self._engines = engines
        self._only = engines.get(None) if len(engines) == 1 else None
        self.after_commit = AfterCommit()
        self._has_written = False
        self._is_needed = False

    def get(
        self, entity: Any, ident: Any, *, options: Sequence[ORMOption] | None = None, **others: Any
    ) -> Any:
        """Return the object with this primary key, with what the options load.

        SQLAlchemy ignores the options if the object is in memory, because its lazy loading makes
        up for that.
        """
        is_held = bool(options) and identity_key(entity, ident) in self.identity_map
        found = super().get(entity, ident, options=options, **others)
        if is_held and found is not None:
            keys = zip(inspect(found).mapper.primary_key, inspect(found).identity, strict=True)
            same = select(entity).where(*(column == value for column, value in keys))
            self.scalars(same.options(*(options or ()))).unique().all()
        return found

    @property
    def has_changes(self) -> bool:
        """Whether there are uncommitted changes; those made by ``text()`` are not known."""
        return self._has_written or bool(self.new or self.dirty or self.deleted)

    @property
    def can_release(self) -> bool:
        """Whether the transaction has only read, so that its end changes nothing.

        It must hold no row lock either. A statement as ``text()`` and a connection handed out
        may have done anything.
        """
        transaction = self.get_transaction()
        return (
            transaction is not None
            and transaction.origin is orm.SessionTransactionOrigin.AUTOBEGIN
            and not (self._is_needed or self.in_nested_transaction() or self.has_changes)
        )

    def connection(self, *args: Any, **options: Any) -> Connection:
        self._is_needed = True
        return super().connection(*args, **options)

    def get_bind(
        self,
        mapper: Any = None,
        *,
        clause: Any = None,
        bind: Engine | Connection | None = None,
        **_: Any,
    ) -> Engine | Connection:
        if bind is not None:
            return bind
        if self._only is not None:  # nearly always, and asked for at every statement
            return self._only
        key = _bind_key(mapper, clause)
        try:
            return self._engines[key]
        except KeyError:
            raise UnknownBindError(key) from None


@event.listens_for(RoutedSession, "after_transaction_create")
def _transaction_began(session: RoutedSession, transaction: orm.SessionTransaction) -> None:
    session.after_commit.began(transaction)


@event.listens_for(RoutedSession, "after_soft_rollback")
def _transaction_rolled_back(session: RoutedSession, transaction: orm.SessionTransaction) -> None:
    session.after_commit.rolled_back(transaction)


@event.listens_for(RoutedSession, "after_transaction_end")
def _transaction_ended(session: RoutedSession, transaction: orm.SessionTransaction) -> None:
    if transaction.parent is None:
        session._has_written = session._is_needed = False


@event.listens_for(RoutedSession, "after_flush")
def _flushed(session: RoutedSession, _context: orm.UOWTransaction) -> None:
    session._has_written = True


@event.listens_for(RoutedSession, "do_orm_execute")
def _will_execute(execution: orm.ORMExecuteState) -> None:
    refuse_lazy_load(execution)
    session = cast(RoutedSession, execution.session)
    if execution.is_insert or execution.is_update or execution.is_delete:
        session._has_written = True
    elif not execution.is_select or _locks_rows(execution.statement):
        session._is_needed = True


def _locks_rows(statement: Any) -> bool:
    """Whether it is a SELECT ... FOR UPDATE; SQLAlchemy has no public name for that."""
    return getattr(statement, "_for_update_arg", None) is not None


def _bind_key(mapper: Any, clause: Any) -> str | None:
    """Return the bind key of the tables of a statement; None is the default database."""
    if mapper is not None:
        table = inspect(mapper).local_table  # that of a joined subclass is no join
    else:
        tables = find_tables(clause, include_crud=True) if clause is not None else []
        table = tables[0] if tables else clause
    metadata = getattr(table, "metadata", None)
    return None if metadata is None else metadata.info.get("bind_key")


class Session(AsyncSession):
    """The class of ``db.session`` and of ``db.new_session()``.

    A db session belongs to the task that uses it first. Other tasks are refused while that
    task runs. A commit does not expire objects: they stay readable.
    """

    sync_session_class = RoutedSession
    called = "session"

    def __init__(
        self,
        binds: Binds,
        *,
        owner: asyncio.Task[Any] | None = None,
        query_class: type[Query[Any]] = Query,
        tracker: Tracker | None = None,
        **options: Any,
    ) -> None:
        self._owner = owner
        self._in_block = False
        self._query_class = query_class
        self.unawaited = Unawaited()
        engines = {
            key: bind.sync_engine if isinstance(bind, AsyncEngine) else bind.sync_connection
            for key, bind in binds.items()
        }
        self.has_default = None in engines
        super().__init__(expire_on_commit=False, engines=engines, **options)
        self._tracker = tracker
        if tracker is not None:
            tracker.follow(self._sync_session)

    # Every operation of AsyncSession goes through one of these two attributes, so this
    # is the one door at which the task is checked.
    @property
    def sync_session(self) -> orm.Session:
        """The synchronous session inside, for the task that owns this one.

        Raises:
            SessionSharedError: In another task.
        """
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

    def __call__(self) -> Self:
        """Return the session itself, as ``db.session()`` does in Flask-SQLAlchemy."""
        return self

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        await super().__aexit__(type_, value, traceback)
        self.unawaited.end(failed=type_ is not None)

    def query(self, *entities: Any) -> Query[Any]:
        """Return a query of a model, or of columns; its results are rows then."""
        return query_of(self._query_class, entities, self)

    @property
    def is_idle_in_its_task(self) -> bool:
        """Whether the caller may end the unit of work: its own, and no block is open."""
        return self._owner is asyncio.current_task() and not self._in_block

    @property
    def has_transaction(self) -> bool:
        """Whether a transaction is open; any task may ask."""
        return self._sync_session.in_transaction()

    def after_commit(self, callback: Callback) -> None:
        """Call ``callback`` after the commit of the current transaction; drop it on a rollback.

        It may be a plain or an ``async`` function without arguments. An error in it is logged
        and changes nothing: the transaction is committed.
        """
        self._queue.add(callback)

    @property
    def _queue(self) -> AfterCommit:
        return cast(RoutedSession, self.sync_session).after_commit

    async def get(self, entity: type[T] | orm.Mapper[T], ident: Any, **options: Any) -> T | None:
        """Return the object with this primary key, from memory if it is loaded.

        Relationships that ``options`` name are loaded in both cases.

        Text for a number, as in a cookie or a URL, is that number. A value that the key cannot
        hold is the key of nothing, not an error.
        """
        with unfit_is_nothing():
            return await super().get(entity, fitting(entity, ident), **options)
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
        self.unawaited.check()
        await super().commit()
        await self._committed()

    async def rollback(self) -> None:
        """Roll back; loaded objects expire, those of before a ``db.transaction()`` excepted.

        Raises:
            TransactionOwnedError: Inside ``db.transaction()``: raise an exception instead.
        """
        if self._in_block:
            raise TransactionOwnedError("rollback")
        await super().rollback()
        self._queue.clear()

    async def release(self) -> None:
        """Return the connection to the pool if the session has only read so far.

        Loaded objects stay readable and belong to the session; the next statement takes a
        connection again. Call it before waiting for something slow: the kit does so before it
        waits for a request body or a password hash. After changes, a locking SELECT, ``text()``
        or ``connection()``, inside a transaction block and from another task it does nothing.
        """
        if self.is_idle_in_its_task and cast(RoutedSession, self._sync_session).can_release:
            await super().commit()  # of reads only; a rollback would expire what was loaded

    async def close(self) -> None:
        """Roll back the open transaction and return the connection. Any task may call it."""
        self._owner = asyncio.current_task()
        if self.has_transaction:
            await super().close()
        else:
            self._sync_session.close()  # nothing to roll back, so nothing to wait for
        self._queue.clear()
        self._owner = None

    async def remove(self) -> None:
        """Close the session; the next use of ``db.session`` starts afresh."""
        await self.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Commit at the end of the block, or roll back if it raises; inside, a savepoint.

        Objects loaded before the block stay readable after a rollback.
        """
        if self._in_block:
            async with self.begin_nested():
                yield self
            return
        snapshot = Snapshot(self.sync_session)
        await self._take_write_lock()
        try:
            self._in_block = True
            try:
                yield self
            finally:
                self._in_block = False
            self.unawaited.check()
            await super().commit()
        except BaseException:
            self.unawaited.clear()
            await self.rollback()
            snapshot.restore()
            raise
        await self._committed()

    async def _committed(self) -> None:
        """Tell those who follow the changes, and run the callbacks."""
        if self._tracker is not None:
            await self._tracker.committed()
        await self._queue.run()

    async def run(self, work: Callable[[Session], Awaitable[T]], *, retries: int = 3) -> T:
        """Run ``work(session)`` in a transaction, and retry it after a conflict.

        After a deadlock or a lock timeout the work is rolled back and called again, at most
        ``retries`` times and within a few seconds. Therefore it must load the objects that it
        changes, and leave effects outside of the database to ``after_commit``.

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

        return await retry(attempt, retries)

    async def _take_write_lock(self) -> None:
        """On SQLite, begin at once, so that rows read in the block stay as they were read."""
        if self.has_default and self.get_bind().dialect.name == "sqlite":
            connection = await self.connection()
            await connection.run_sync(sqlite.begin_immediate)


# An un-awaited 'delete' or 'commit' does nothing, and 'if session.scalar(...)' is always true.
_AWAITED = (
    "commit", "connection", "delete", "delete_all", "execute", "flush", "get", "get_one",
    "invalidate", "merge", "merge_all", "refresh", "reset", "rollback", "run", "run_sync",
    "scalar", "scalars", "stream", "stream_scalars",
)  # fmt: skip
for _name in _AWAITED:
    setattr(Session, _name, awaited(getattr(Session, _name)))


class _Transaction(AsyncSessionTransaction):
    """``session.begin()`` with the callbacks of ``after_commit``."""

    async def commit(self) -> None:
        await super().commit()
        await cast(Session, self.session)._committed()

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        await super().__aexit__(type_, value, traceback)
        if type_ is None:
            await cast(Session, self.session)._committed()
