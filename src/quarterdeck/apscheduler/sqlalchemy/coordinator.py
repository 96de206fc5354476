"""The lease and the history in tables.

No clocks are compared: a process that waits watches the row of the lease. If the holder has
counted up ``beat`` not once in the time that a lease lasts, it is taken over.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Select,
    Table,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from quarterdeck.apscheduler.coordinator import Batch, Coordinator, limited
from quarterdeck.apscheduler.run import Outcome, Run, microseconds, moment
from quarterdeck.exceptions import LeaseLostError

from .database import Database

LEASE = 1  # the id of the only row
FREE = ""  # the process of a lease that was released
NEW: Mapping[str, Any] = {
    "id": LEASE, "process": FREE, "token": 0, "beat": 0, "claims": 0, "paused": False,
}  # fmt: skip


class SQLAlchemyCoordinator(Coordinator):
    """One row for the lease, and one for each run."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.own_tables = database.tables.names
        self._lease = database.tables.lease
        self._run = database.tables.run
        self._seen: tuple[int, int] = (-1, -1)  # token and beat
        self._seen_at = 0.0

    async def create_own_tables(self) -> None:
        async with self._database.begin():
            pass

    async def acquire(self, process: str, seconds: float) -> int | None:
        lease = self._lease
        row = await self._read_lease()
        seen = (row.token, row.beat)
        if row.process != FREE:
            if seen != self._seen:
                self._seen, self._seen_at = seen, time.monotonic()
            if time.monotonic() - self._seen_at < seconds:
                return None
        taking = update(lease).where(
            lease.c.id == LEASE, lease.c.token == row.token, lease.c.beat == row.beat
        )
        async with self._database.begin() as connection:
            taken = await connection.execute(taking.values(process=process, token=row.token + 1))
            if not taken.rowcount:
                return None
            if row.process != FREE:  # it is dead, or frozen
                await self._end_runs(connection, self._run.c.process == row.process)
        return int(row.token) + 1

    async def renew(self, process: str, token: int, seconds: float) -> None:
        lease = self._lease
        async with self._database.begin() as connection:
            await self._hold(connection, process, token, {"beat": lease.c.beat + 1})

    async def release(self, process: str, token: int) -> None:
        async with self._database.begin() as connection:
            with suppress(LeaseLostError):
                await self._hold(connection, process, token, {"process": FREE})

    async def claim(self, process: str, token: int | None, batches: Sequence[Batch]) -> list[Run]:
        t, now = self._run, microseconds(datetime.now(UTC))
        ids = {run.job_id for batch in batches for run in batch.runs}
        dues = {microseconds(run.due) for batch in batches for run in batch.runs}
        if token is None:
            await self._read_lease()
        async with self._database.begin() as connection:
            # It locks the row of the lease, so that one process after the other claims runs.
            claims = {"claims": self._lease.c.claims + 1}
            await self._hold(connection, process, token, claims)
            known = select(t.c.job_id, t.c.due).where(t.c.job_id.in_(ids), t.c.due.in_(dues))
            there = {(row.job_id, row.due) for row in await connection.execute(known)}
            counts = select(t.c.job_id, func.count()).where(
                t.c.outcome == Outcome.RUNNING, t.c.job_id.in_(ids)
            )
            found = await connection.execute(counts.group_by(t.c.job_id))
            under_way = {job_id: int(count) for job_id, count in found}
            new: list[Run] = []
            for batch in batches:
                fresh = [r for r in batch.runs if (r.job_id, microseconds(r.due)) not in there]
                new += limited(fresh, batch.limit, under_way)
            if new:
                await connection.execute(insert(t), [_row(run) | {"beat": now} for run in new])
        return new

    async def finish(self, run: Run) -> None:
        t = self._run
        row = _row(run)
        this = and_(t.c.job_id == row.pop("job_id"), t.c.due == row.pop("due"))
        async with self._database.begin() as connection:
            await connection.execute(update(t).where(this).values(row))

    async def beat(self, process: str, now: datetime) -> None:
        t = self._run
        own = update(t).where(t.c.outcome == Outcome.RUNNING, t.c.process == process)
        async with self._database.begin() as connection:
            await connection.execute(own.values(beat=microseconds(now)))

    async def interrupt(self, before: datetime) -> None:
        async with self._database.begin() as connection:
            await self._end_runs(connection, self._run.c.beat < microseconds(before))

    async def runs(self, job_id: str | None, limit: int) -> list[Run]:
        t = self._run
        statement = select(t).order_by(t.c.due.desc(), t.c.job_id).limit(limit)
        if job_id is not None:
            statement = statement.where(t.c.job_id == job_id)
        async with self._database.begin() as connection:
            return [_run(row) for row in (await connection.execute(statement)).mappings()]

    async def latest_runs(self, job_ids: Sequence[str]) -> list[Run]:
        if not job_ids:
            return []
        statement = _latest_of(self._run, tuple(job_ids))
        async with self._database.begin() as connection:
            return [_run(row) for row in (await connection.execute(statement)).mappings()]

    async def prune(self, before: datetime) -> None:
        old = delete(self._run).where(self._run.c.due < microseconds(before))
        async with self._database.begin() as connection:
            await connection.execute(old)

    async def paused(self) -> bool:
        return bool((await self._read_lease()).paused)

    async def pause(self, paused: bool) -> None:
        await self._read_lease()
        async with self._database.begin() as connection:
            await connection.execute(update(self._lease).values(paused=paused))

    async def _read_lease(self) -> Any:
        """Return the row of the lease, which the first process makes."""
        statement = select(self._lease).where(self._lease.c.id == LEASE)
        for _ in range(2):
            async with self._database.begin() as connection:
                row = (await connection.execute(statement)).one_or_none()
            if row is not None:
                return row
            with suppress(IntegrityError):
                async with self._database.begin() as connection:
                    await connection.execute(insert(self._lease).values(NEW))
        raise LeaseLostError(0)

    async def _hold(
        self, connection: AsyncConnection, process: str, token: int | None, values: dict[str, Any]
    ) -> None:
        """Change the row of the lease, which must be that of the token if there is one."""
        lease = self._lease
        statement = update(lease).where(lease.c.id == LEASE)
        if token is not None:
            statement = statement.where(lease.c.token == token, lease.c.process == process)
        if not (await connection.execute(statement.values(values))).rowcount:
            raise LeaseLostError(token or 0)

    async def _end_runs(self, connection: AsyncConnection, which: Any) -> None:
        running = update(self._run).where(self._run.c.outcome == Outcome.RUNNING, which)
        await connection.execute(running.values(outcome=Outcome.INTERRUPTED))


@lru_cache(20)
def _latest_of(t: Table, job_ids: tuple[str, ...]) -> Select[Any]:
    """Return a statement that takes one step in the index for each job.

    A group over the whole history would read all of it.
    """
    other = t.alias()
    last = select(func.max(other.c.due))
    return select(t).where(
        or_(
            *(
                and_(
                    t.c.job_id == id_,
                    t.c.due == last.where(other.c.job_id == id_).scalar_subquery(),
                )
                for id_ in job_ids
            )
        )
    )


def _row(run: Run) -> dict[str, Any]:
    return {
        "job_id": run.job_id,
        "due": microseconds(run.due),
        "outcome": run.outcome.value,
        "process": run.process,
        "started": None if run.started is None else microseconds(run.started),
        "seconds": run.seconds,
        "attempts": run.attempts,
        "error": run.error,
        "by_hand": run.by_hand,
    }


def _run(row: Mapping[Any, Any]) -> Run:
    started = row["started"]
    kept = ("job_id", "process", "seconds", "attempts", "error")
    return Run(
        due=moment(row["due"]),
        outcome=Outcome(row["outcome"]),
        started=None if started is None else moment(started),
        by_hand=bool(row["by_hand"]),
        **{name: row[name] for name in kept},
    )
