"""The common part of all imports: a check before the first write, a report, mistakes by line.

Everything is checked before anything is written, so a file with a mistake leaves nothing behind.
Then it is written in portions, a transaction each: others can write in between, and what was
written before an interruption stays. Running the same import again does the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Select, SQLColumnExpression, insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm.exc import StaleDataError

from quarterdeck.exceptions import TransactionConflictError
from quarterdeck.sqlalchemy import Session
from quarterdeck_crm.errors import ConflictError, ImportRefusedError
from quarterdeck_crm.extras.reading import Record
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Account, Activity, Contact, Deal, Good, Order, Person, Task, User
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.search.merges import STAYING_ID, STAYING_PERSON_ID
from quarterdeck_crm.validation.addresses import fold_address

from .columns import Table
from .csvfile import CSVFile, Mistakes, Row
from .extras import Wanted, differing, extended, write_imported
from .report import Report as Report
from .seen import SeenBefore, SeenKeys

P = ParamSpec("P")
T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import: its path, and the name that its owner knows."""

    path: Path
    name: str


class Worker:
    """Runs plain functions one after the other on a thread of its own.

    So the event loop goes on while files are read, and a cancelled task can still close
    the files of the thread: closing waits for the step that is under way.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "import")
        self._open: list[Generator[Any, None, None]] = []

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function and return its result."""
        future = self._thread.submit(function, *args, **kwargs)
        return await asyncio.wrap_future(future)

    async def iterate(self, items: Generator[T, None, None]) -> AsyncIterator[T]:
        """Yield the items of a generator, and close it at the end, at the latest in ``close``."""
        self._open.append(items)
        try:
            while (item := await self.run(next, items, None)) is not None:
                yield item
        finally:
            await self._end(items)

    async def close(self) -> None:
        """Close the generators that an error left open, and let the thread end.

        Python closes the ``async for`` over such a generator later, when the thread is gone.
        """
        for items in [*self._open]:
            await self._end(items)
        self._thread.shutdown(wait=False)

    async def _end(self, items: Generator[Any, None, None]) -> None:
        if items in self._open:
            self._open.remove(items)
            await self.run(items.close)


@dataclass
class Import:
    """One import.

    Attributes:
        session: The db session, without a transaction of the caller's.
        actor_id: The user that imports, for the history.
        currency: Of prices for which the file names none.
        dry_run: Only check.
        ignored: The columns that the user knows are not imported; None if that was not checked.
        progress: Called after each batch with the work done and the whole work, in bytes of
            the files; the check is half of the work.
        is_check: Whether nothing is written yet.
    """

    session: Session
    actor_id: int | None = None
    currency: str = "EUR"
    dry_run: bool = False
    ignored: Collection[str] | None = None
    progress: Progress | None = None
    is_check: bool = True
    mistakes: Mistakes = field(default_factory=Mistakes)
    report: Report = field(default_factory=Report)
    worker: Worker = field(default_factory=Worker)
    _files: list[CSVFile] = field(default_factory=list)
    _users: dict[str, int] | None = None

    async def open(
        self, source: Source, table: Table, model: type[Record] | None = None
    ) -> CSVFile:
        """Return a file of this import; open all before reading one, for the progress.

        Args:
            source: The file.
            table: Its columns.
            model: The kind of record whose tags and custom fields it may have as well.
        """
        if model is not None:
            table = await extended(self.session, table, model)
            self.session.expunge_all()  # the parsers keep the definitions, on another thread
        file = await self.worker.run(CSVFile, source.path, table, self.mistakes, name=source.name)
        self._files.append(file)
        return file

    def passes(self) -> Iterator[None]:
        """Give way to the check and then, unless that is all, to the writing.

        Raises:
            ImportRefusedError: If the check finds any mistake.
        """
        yield
        self.end_check()
        if not self.dry_run:
            self.report = Report(unknown_columns=self.report.unknown_columns)
            yield

    def end_check(self) -> None:
        """Begin to write, if that is asked for.

        Raises:
            ImportRefusedError: If any file has a mistake.
            ConflictError: If a column was removed since the user saw the check.
        """
        if self.mistakes:
            raise ImportRefusedError(self.mistakes)
        if self.ignored is not None and {*self.report.unknown_columns} - {*self.ignored}:
            raise ConflictError(
                N_(
                    "A custom field of the file was removed after the check. Nothing was written. "
                    "Upload the file again to see the columns that can be imported."
                )
            )
        self.is_check = self.dry_run

    async def batches(self, file: CSVFile) -> AsyncIterator[list[Row]]:
        """Yield the valid rows of a file, some at a time."""
        async for batch in self.worker.iterate(file.batches()):
            yield batch
            read = sum(file.bytes_read for file in self._files)
            self.tell(read / self._size if self._size else 1.0)
        if self.is_check:
            self.report.unknown_columns += file.unknown

    def tell(self, share: float) -> None:
        """Tell the progress of the check, or of the writing, from 0 to 1."""
        if self.progress:
            passes = 1 if self.dry_run else 2
            done = share if self.is_check else 1 + share
            self.progress(int(self._size * done), self._size * passes)

    @property
    def _size(self) -> int:
        return sum(file.bytes_total for file in self._files)

    @asynccontextmanager
    async def seen_keys(self) -> AsyncIterator[SeenBefore]:
        """Yield a function that keeps the keys of a batch, and returns those of earlier batches."""
        seen = await self.worker.run(SeenKeys)

        async def seen_before(keys: Iterable[str]) -> set[str]:
            return await self.worker.run(seen.add, keys)

        try:
            yield seen_before
        finally:
            await self.worker.run(seen.close)

    @asynccontextmanager
    async def portion(self) -> AsyncIterator[None]:
        """Commit the changes of the block, all or none, and expunge them. A check writes nothing.

        Raises:
            ConflictError: If another session wrote the same rows since the check.
        """
        if self.is_check:
            with self.session.no_autoflush:
                yield
        else:
            with self.conflicts():
                async with self.session.transaction():
                    yield
        self.session.expunge_all()

    @contextmanager
    def conflicts(self) -> Iterator[None]:
        """Raise ConflictError if another session wrote the same rows since the check."""
        try:
            yield
        except (IntegrityError, StaleDataError, TransactionConflictError):
            raise ConflictError(
                N_(
                    "Another user changed the same rows during the import. A part of the file is "
                    "written; run the import again for the rest."
                )
            ) from None

    async def add(self, rows: Sequence[Account | Deal | Good | Person | Task]) -> None:
        """Add new rows, each with its line of history."""
        self.report.created += len(rows)
        if rows and not self.is_check:
            self.session.add_all(rows)
            await self.session.flush()
            await self.record_imported(type(rows[0]), [row.id for row in rows])

    async def write_extras(self, model: type[Record], wanted: Mapping[Any, Wanted]) -> set[Any]:
        """Write the tags and custom fields of records; return the old records that differ.

        Args:
            model: The kind of the records.
            wanted: By record, the extras that the file gives it; new records are there already.
        """
        known = {record.id: record for record in wanted if record.id is not None}
        rows = {id_: wanted[record] for id_, record in known.items() if wanted[record]}
        ids = await differing(self.session, model, rows)
        if ids and not self.is_check:
            await write_imported(self.session, model, {id_: rows[id_] for id_ in ids})
        return {known[id_] for id_ in ids}

    async def owner_id(self, file: CSVFile, row: Row, *, column: str = "owner") -> int | None:
        """Return the id of the user in a column of the row."""
        email = row.values.get(column)
        if not email:
            return None
        if self._users is None:
            rows = await self.session.execute(select(User.email, User.id))
            self._users = dict(rows.all())
        if email not in self._users and (user := self._users.get(fold_address(email))):
            self._users[email] = user
        user = self._users.get(email)
        if user is None:
            text = N_("'%(column)s' is '%(email)s', but no user has this address")
            self.mistakes.add(file.name, row.line, text, column=column, email=email)
        return user

    def other_spelling(self, file: CSVFile, row: Row, written: str) -> None:
        """Note the mistake of a code that stands elsewhere in another spelling."""
        text = N_(
            "'code' is '%(code)s', but the same code is written '%(written)s' already. Write it so"
        )
        self.mistakes.add(file.name, row.line, text, code=row.values["code"], written=written)

    async def ids_by(
        self,
        keys: Iterable[str],
        column: InstrumentedAttribute[Any],
        identity: SQLColumnExpression[int],
    ) -> dict[str, int]:
        """Return the ids of the rows that have some keys, in one query."""
        found = self.held(select(column, identity).where(column.in_(set(keys))))
        return dict((await self.session.execute(found)).all())

    def held(self, rows: Select[Any], *, changes: bool = False) -> Select[Any]:
        """Keep rows from being merged or deleted until the portion ends; a check holds nothing.

        What the portion adds to a record would otherwise stay at one that a merge has emptied.

        Args:
            rows: The rows.
            changes: Whether the portion changes them.
        """
        return rows if self.is_check else rows.with_for_update(read=not changes)

    async def account_ids(self, names: set[str]) -> dict[str, int]:
        """Return the ids of accounts by the codes and references of a file.

        Those of an account that was merged lead to the one that stays.
        """
        keys = {name: code_key(name) for name in names}
        ids = await self.ids_by(keys.values(), Account.code_key, STAYING_ID)
        by_reference = await self.ids_by(names, Account.reference, STAYING_ID)
        return by_reference | {name: ids[key] for name, key in keys.items() if key in ids}

    async def staying(self, account_ids: Iterable[int]) -> dict[int, int]:
        """Return by the ids of accounts those of the accounts that stay."""
        found = self.held(select(Account.id, STAYING_ID).where(Account.id.in_(set(account_ids))))
        return dict((await self.session.execute(found)).all())

    async def contact_ids(self, references: set[str]) -> dict[tuple[int | None, str], int]:
        """Return the ids of contacts by their accounts and by the references of their people.

        The reference of a merged person leads to the contacts of the survivor.
        """
        rows = await self.session.execute(
            select(Contact.account_id, Person.reference, Contact.id)
            .join(Contact, Contact.person_id == STAYING_PERSON_ID)
            .where(Person.reference.in_(references))
        )
        return {(account_id, reference): id_ for account_id, reference, id_ in rows}

    async def record_imported(
        self, model: type[Account | Deal | Good | Order | Person | Task], ids: Collection[int]
    ) -> None:
        """Write a line of history for each row that the import made."""
        line: dict[InstrumentedAttribute[Any], Any] = {
            Activity.at: utc_now(),
            Activity.actor_id: self.actor_id,
            Activity.subject_type: model.__tablename__,
            Activity.action: "imported",
            Activity.changes: {},
        }
        fixed = [literal(value, column.type) for column, value in line.items()]
        await self.session.execute(
            insert(Activity).from_select(
                [*line, Activity.subject_id], select(*fixed, model.id).where(model.id.in_(ids))
            )
        )
