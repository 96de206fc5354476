"""Jobs and their history in the memory of one process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from .coordinator import Batch, Coordinator, limited
from .job import Job
from .run import Outcome, Run
from .store import JobStore

if TYPE_CHECKING:
    from quart import Quart


class MemoryStore(JobStore):
    """A dictionary of jobs, whose functions and arguments may be of any kind."""

    shared = False

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    async def create(self, job: Job) -> bool:
        if job.id in self._jobs:
            return False
        self._jobs[job.id] = replace(job, version=1)
        return True

    async def replace(self, job: Job) -> bool:
        if not self._has(job):
            return False
        self._jobs[job.id] = replace(job, version=job.version + 1)
        return True

    async def delete(self, job: Job) -> bool:
        return self._has(job) and self._jobs.pop(job.id) is not None

    async def get(self, id: str) -> Job | None:
        return self._jobs.get(id)

    async def all(self) -> list[Job]:
        return list(self._jobs.values())

    async def due(self, now: datetime, limit: int) -> list[Job]:
        found = [(at, job) for at, job in self._waiting() if at <= now]
        return [job for _, job in sorted(found, key=itemgetter(0))[:limit]]

    async def next_run_time(self) -> datetime | None:
        return min((at for at, _ in self._waiting()), default=None)

    def _waiting(self) -> list[tuple[datetime, Job]]:
        """Return the jobs that are not paused, with their next run times."""
        times = [(job.next_run_time, job) for job in self._jobs.values()]
        return [(at, job) for at, job in times if at is not None]

    def _has(self, job: Job) -> bool:
        own = self._jobs.get(job.id)
        return own is not None and own.version == job.version


class MemoryCoordinator(Coordinator):
    """One process, which always holds the lease."""

    shared = False

    def __init__(self) -> None:
        self._runs: dict[tuple[str, datetime], Run] = {}
        self._paused = False

    async def acquire(self, process: str, seconds: float) -> int | None:
        return 1

    async def renew(self, process: str, token: int, seconds: float) -> None:
        pass

    async def release(self, process: str, token: int) -> None:
        pass

    async def claim(self, process: str, token: int | None, batches: Sequence[Batch]) -> list[Run]:
        under_way = Counter(
            run.job_id for run in self._runs.values() if run.outcome is Outcome.RUNNING
        )
        new: list[Run] = []
        for batch in batches:
            fresh = [run for run in batch.runs if (run.job_id, run.due) not in self._runs]
            new += limited(fresh, batch.limit, under_way)
        self._runs |= {(run.job_id, run.due): run for run in new}
        return new

    async def finish(self, run: Run) -> None:
        self._runs[run.job_id, run.due] = run

    async def beat(self, process: str, now: datetime) -> None:
        pass

    async def interrupt(self, before: datetime) -> None:
        pass

    async def runs(self, job_id: str | None, limit: int) -> list[Run]:
        found = [run for run in self._runs.values() if job_id in {None, run.job_id}]
        return sorted(found, key=attrgetter("due"), reverse=True)[:limit]

    async def latest_runs(self, job_ids: Sequence[str]) -> list[Run]:
        return [run for job_id in job_ids for run in await self.runs(job_id, 1)]

    async def prune(self, before: datetime) -> None:
        self._runs = {key: run for key, run in self._runs.items() if run.due >= before}

    async def paused(self) -> bool:
        return self._paused

    async def pause(self, paused: bool) -> None:
        self._paused = paused


def make_store(_options: Mapping[str, Any], _config: Mapping[str, Any], _app: Quart) -> MemoryStore:
    """Return an empty store."""
    return MemoryStore()


def make_coordinator(_config: Mapping[str, Any], _app: Quart) -> MemoryCoordinator:
    """Return one without a history."""
    return MemoryCoordinator()
