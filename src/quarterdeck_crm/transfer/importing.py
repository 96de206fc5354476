"""What every import shares: a check before the first write, a report, mistakes by their line.

Everything is checked before anything is written, so a file with a mistake leaves nothing behind.
Then it is written in portions, a transaction each: others can write in between, and what was
written before an interruption stays. Running the same import again does the rest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm.exc import StaleDataError

from quarterdeck.sqlalchemy import Session
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.models import Account, Activity, Good, Order, User
from quarterdeck_crm.models.columns import utc_now

from .columns import Table
from .csvfile import CSVFile, Problems, Row
from .worker import Worker

Progress = Callable[[int, int], None]


class ImportRefusedError(Exception):
    """A file has mistakes, so nothing of it is written."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("1 mistake" if problems.count == 1 else f"{problems.count} mistakes")
        self.problems = problems


@dataclass
class Report:
    """What an import did, or would do."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    lines: int = 0
    unknown_columns: list[str] = field(default_factory=list)


@dataclass
class Import:
    """One import.

    Attributes:
        session: The db session, without a transaction of the caller's.
        actor_id: Who does it, for the history.
        currency: Of prices for which the file names none.
        dry_run: Only check.
        progress: Called after each batch with what is done and all that is to do, in bytes of
            the files; the check is half of the work.
        is_check: Whether nothing is written yet.
    """

    session: Session
    actor_id: int | None = None
    currency: str = "EUR"
    dry_run: bool = False
    progress: Progress | None = None
    is_check: bool = True
    problems: Problems = field(default_factory=Problems)
    report: Report = field(default_factory=Report)
    worker: Worker = field(default_factory=Worker)
    _files: list[CSVFile] = field(default_factory=list)
    _people: dict[str, int] | None = None

    async def open(self, path: Path, table: Table, name: str = "") -> CSVFile:
        """Return a file of this import; open all before reading one, for the progress."""
        file = await self.worker.run(CSVFile, path, table, self.problems, name=name)
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
            self.report = Report()
            yield

    def end_check(self) -> None:
        """Begin to write, if that is asked for.

        Raises:
            ImportRefusedError: If any file has a mistake.
        """
        if self.problems:
            raise ImportRefusedError(self.problems)
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
    async def portion(self) -> AsyncIterator[None]:
        """Write what the block does, all of it or nothing, and forget it; nothing in a check.

        Raises:
            ConflictError: If somebody else wrote the same rows meanwhile.
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
        """Say what it means when somebody else wrote the same rows since the check."""
        try:
            yield
        except (IntegrityError, StaleDataError):
            raise ConflictError(
                "Somebody else changed the same at the same moment. A part of the file is "
                "written; run the import again for the rest."
            ) from None

    async def add(self, rows: Sequence[Account | Good]) -> None:
        """Add new rows, each with its line of history."""
        self.report.created += len(rows)
        if rows and not self.is_check:
            self.session.add_all(rows)
            await self.session.flush()
            await self.record_imported(type(rows[0]), [row.id for row in rows])

    async def owner_id(self, file: CSVFile, row: Row) -> int | None:
        """Return the id of the person whose address is in the row's ``owner``."""
        email = row.values.get("owner")
        if not email:
            return None
        if self._people is None:
            rows = await self.session.execute(select(User.email, User.id))
            self._people = {address.casefold(): key for address, key in rows}
        person = self._people.get(email.casefold())
        if person is None:
            self.problems.add(
                file.name,
                row.line,
                f"'owner' is '{email}', but nobody with this address is in the team",
            )
        return person

    async def ids_by(
        self,
        keys: Iterable[str],
        column: InstrumentedAttribute[Any],
        identity: InstrumentedAttribute[int],
    ) -> dict[str, int]:
        """Return the ids of the rows that have some keys, in one query."""
        rows = await self.session.execute(select(column, identity).where(column.in_(set(keys))))
        return dict(rows.all())

    async def record_imported(
        self, model: type[Account | Good | Order], ids: Collection[int]
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


def assign(target: object, values: dict[str, Any]) -> bool:
    """Set the attributes that differ; return whether any did."""
    changed = False
    for name, value in values.items():
        if getattr(target, name) != value:
            setattr(target, name, value)
            changed = True
    return changed
