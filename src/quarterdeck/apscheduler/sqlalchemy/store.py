"""Jobs in a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from quarterdeck.apscheduler.job import Job
from quarterdeck.apscheduler.run import microseconds, moment
from quarterdeck.apscheduler.store import JobStore, decode, encode

from .database import Database


class SQLAlchemyStore(JobStore):
    """One row per job, its version counted up by every change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.own_tables = database.tables.names
        self._t = database.tables.job

    async def create_own_tables(self) -> None:
        async with self._database.begin():
            pass

    async def create(self, job: Job) -> bool:
        row = {"id": job.id, "version": 1, **_columns(job)}
        try:
            async with self._database.begin() as connection:
                await connection.execute(insert(self._t).values(row))
        except IntegrityError:
            return False
        return True

    async def replace(self, job: Job) -> bool:
        t = self._t
        statement = update(t).where(t.c.id == job.id, t.c.version == job.version)
        return await self._changed(statement.values(version=job.version + 1, **_columns(job)))

    async def delete(self, job: Job) -> bool:
        t = self._t
        return await self._changed(delete(t).where(t.c.id == job.id, t.c.version == job.version))

    async def get(self, id: str) -> Job | None:
        found = await self._read(select(self._t).where(self._t.c.id == id))
        return found[0] if found else None

    async def all(self) -> list[Job]:
        return await self._read(select(self._t))

    async def due(self, now: datetime, limit: int) -> list[Job]:
        t = self._t
        statement = select(t).where(t.c.next_run_time <= microseconds(now))
        return await self._read(statement.order_by(t.c.next_run_time).limit(limit))

    async def next_run_time(self) -> datetime | None:
        async with self._database.begin() as connection:
            found = await connection.scalar(select(func.min(self._t.c.next_run_time)))
        return None if found is None else moment(found)

    async def advance(self, jobs: Sequence[Job]) -> None:
        t = self._t
        known = (t.c.id == bindparam("of"), t.c.version == bindparam("had"))
        keys: list[dict[str, Any]] = [{"of": job.id, "had": job.version} for job in jobs]
        times = [job.next_run_time for job in jobs]
        moved = [
            key | {"version": key["had"] + 1, "next_run_time": microseconds(time)}
            for key, time in zip(keys, times, strict=True)
            if time is not None
        ]
        over = [key for key, time in zip(keys, times, strict=True) if time is None]
        async with self._database.begin() as connection:
            if moved:
                await connection.execute(update(t).where(*known), moved)
            if over:
                await connection.execute(delete(t).where(*known), over)

    async def _read(self, statement: Any) -> list[Job]:
        async with self._database.begin() as connection:
            rows = (await connection.execute(statement)).all()
        found = [decode(row.document, row.next_run_time, row.version) for row in rows]
        return [job for job in found if job is not None]

    async def _changed(self, statement: Any) -> bool:
        async with self._database.begin() as connection:
            return bool((await connection.execute(statement)).rowcount)


def _columns(job: Job) -> dict[str, Any]:
    due = None if job.next_run_time is None else microseconds(job.next_run_time)
    return {"document": encode(job), "next_run_time": due}
