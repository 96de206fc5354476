"""What every import shares: one transaction, a report, every mistake named by its line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from quarterdeck_crm.models import Activity, User

from .columns import Table
from .csvfile import CSVFile, Problems, Row

Progress = Callable[[int, int], None]


class ImportRefusedError(Exception):
    """A file has mistakes, so nothing of it may stay; the caller rolls back."""

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
    """One import inside the caller's transaction.

    Attributes:
        session: The db session; commit after the import, roll back if it raises.
        actor_id: Who does it, for the history.
        currency: Of prices for which the file names none.
        progress: Called after each batch with the bytes read and the bytes there are.
    """

    session: AsyncSession
    actor_id: int | None = None
    currency: str = "EUR"
    progress: Progress | None = None
    problems: Problems = field(default_factory=Problems)
    report: Report = field(default_factory=Report)
    _files: list[CSVFile] = field(default_factory=list)
    _people: dict[str, int] | None = None

    def open(self, path: Path, table: Table, name: str = "") -> CSVFile:
        """Return a file of this import; open all before reading one, for the progress."""
        file = CSVFile(path, table, self.problems, name=name)
        self._files.append(file)
        return file

    async def batches(self, file: CSVFile) -> AsyncIterator[list[Row]]:
        """Yield the valid rows of a file, and keep memory flat between the batches."""
        async for batch in file.batches():
            yield batch
            await self.session.flush()
            self.session.expunge_all()
            if self.progress:
                self.progress(
                    sum(f.bytes_read for f in self._files),
                    sum(f.bytes_total for f in self._files),
                )
        self.report.unknown_columns += file.unknown

    def finish(self) -> Report:
        """Return the report.

        Raises:
            ImportRefusedError: If any file had a mistake.
        """
        if self.problems:
            raise ImportRefusedError(self.problems)
        return self.report

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

    async def record_imported(self, subject_type: str, ids: Iterable[int]) -> None:
        """Write a line of history for each row that the import made."""
        lines: list[dict[str, Any]] = [
            {
                "actor_id": self.actor_id,
                "subject_type": subject_type,
                "subject_id": subject_id,
                "action": "imported",
                "changes": {},
            }
            for subject_id in ids
        ]
        if lines:
            await self.session.execute(insert(Activity), lines)


def assign(target: object, values: dict[str, Any]) -> bool:
    """Set the attributes that differ; return whether any did."""
    changed = False
    for name, value in values.items():
        if getattr(target, name) != value:
            setattr(target, name, value)
            changed = True
    return changed
