"""The jobs of one app, in all of its stores."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from apscheduler.events import (
    EVENT_ALL_JOBS_REMOVED,
    EVENT_JOB_ADDED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    JobEvent,
)

from quarterdeck.exceptions import JobChangedError, JobOptionError

from .errors import JobConflictError, JobNotFoundError
from .job import Job
from .options import change_job, digest, first_run_time, make_job
from .store import JobStore

ATTEMPTS = 10  # to change a job that other processes change at the same moment


@dataclass(frozen=True, slots=True)
class Declaration:
    """A job of the configuration or of ``@scheduler.task``: the arguments of ``add_job``."""

    id: str
    func: Callable[..., Any] | str
    options: Mapping[str, Any]


class JobRegistry:
    """Finds and changes jobs.

    Args:
        stores: By alias.
        executors: The aliases that jobs may name.
        defaults: Of the options of jobs.
        zone: The time zone of triggers that name none.
        declarations: A list to which the extension may still add.
        notify: Called with an event after each change.
    """

    def __init__(
        self,
        stores: Mapping[str, JobStore],
        *,
        executors: Sequence[str],
        defaults: Mapping[str, Any],
        zone: tzinfo,
        declarations: Sequence[Declaration],
        notify: Callable[[JobEvent], Awaitable[None]],
    ) -> None:
        self.stores = stores
        self._executors = executors
        self._defaults = defaults
        self._zone = zone
        self._notify = notify
        self._declarations = declarations
        self._declared = 0
        self._declaring = asyncio.Lock()

    def functions(self) -> frozenset[str]:
        """Return the references of the functions of declared jobs."""
        found = {self.build(each)[1].func_ref for each in self._declarations}
        return frozenset(reference for reference in found if reference is not None)

    def store(self, alias: str, job_id: str) -> JobStore:
        """Return a job store."""
        try:
            return self.stores[alias]
        except KeyError:
            known = ", ".join(self.stores)
            raise JobOptionError(job_id, "jobstore", f"is {alias!r}", f"Choose {known}") from None

    async def find(self, job_id: str, alias: str | None = None) -> tuple[str, JobStore, Job]:
        """Return a job with its store."""
        await self.declare()
        for name, store in self.stores.items():
            if alias in {None, name} and (job := await store.get(job_id)) is not None:
                return name, store, job
        raise JobNotFoundError(job_id)

    async def jobs(self, alias: str | None = None) -> list[Job]:
        """Return all jobs, the next to run first, paused ones last."""
        await self.declare()
        stores = [store for name, store in self.stores.items() if alias in {None, name}]
        found = [job for store in stores for job in await store.all()]
        latest = datetime.max.replace(tzinfo=UTC)
        return sorted(found, key=lambda job: (job.next_run_time or latest, job.id))

    async def add(self, declaration: Declaration, *, replace_existing: bool) -> Job:
        """Keep a new job, or replace the one with its id."""
        await self.declare()
        alias, job = self.build(declaration)
        store = self.store(alias, job.id)
        for _ in range(ATTEMPTS):
            if await store.create(job):
                await self._notify(JobEvent(EVENT_JOB_ADDED, job.id, alias))
                return replace(job, version=1)
            known = await store.get(job.id)
            if known is None:
                continue
            if not replace_existing:
                raise JobConflictError(job.id)
            if await store.replace(replace(job, version=known.version)):
                await self._notify(JobEvent(EVENT_JOB_MODIFIED, job.id, alias))
                return replace(job, version=known.version + 1)
        raise JobChangedError(job.id)

    def build(self, declaration: Declaration) -> tuple[str, Job]:
        """Return a checked job, and the alias of its store."""
        options = {**self._defaults, **declaration.options}
        alias = options.pop("jobstore", None) or "default"
        job = make_job(declaration.id, declaration.func, options, self._zone)
        self.check(job)
        if self.store(alias, job.id).shared:
            job.document()  # refused here, and not when the server starts
        return alias, job

    def check(self, job: Job) -> None:
        """Refuse an executor that is not configured."""
        if job.executor not in self._executors:
            known = ", ".join(self._executors)
            raise JobOptionError(job.id, "executor", f"is {job.executor!r}", f"Choose {known}")

    async def change(
        self, job_id: str, alias: str | None, change: Callable[[Job], Job | None]
    ) -> Job | None:
        """Change a job as it is now; None removes it.

        Raises:
            JobNotFoundError: If there is no such job.
            JobChangedError: If other processes change it all the time.
        """
        for _ in range(ATTEMPTS):
            name, store, job = await self.find(job_id, alias)
            changed = change(job)
            code = EVENT_JOB_REMOVED if changed is None else EVENT_JOB_MODIFIED
            if await (store.delete(job) if changed is None else store.replace(changed)):
                await self._notify(JobEvent(code, job_id, name))
                return None if changed is None else replace(changed, version=job.version + 1)
        raise JobChangedError(job_id)

    def modified(self, job: Job, changes: Mapping[str, Any]) -> Job:
        """Return a job with checked changes."""
        changed = change_job(job, changes, self._zone)
        self.check(changed)
        return changed

    def resumed(self, job: Job) -> Job | None:
        """Return a job that goes on now; None if its trigger has ended."""
        following = first_run_time(job.trigger)
        return None if following is None else replace(job, next_run_time=following)

    async def clear(self, alias: str | None) -> None:
        """Remove all jobs of a store, or of all stores."""
        await self.declare()
        for name, store in self.stores.items():
            if alias in {None, name}:
                for job in await store.all():
                    await store.delete(job)
        await self._notify(JobEvent(EVENT_ALL_JOBS_REMOVED, None, alias))

    # --- declared jobs ------------------------------------------------------------------

    async def declare(self) -> None:
        """Write the declared jobs into their stores, if that has not happened."""
        async with self._declaring:
            count = len(self._declarations)
            if self._declared < count:
                known = {
                    alias: {job.id: job for job in await store.all()}
                    for alias, store in self.stores.items()
                }
                for declaration in self._declarations[self._declared : count]:
                    await self._declare(declaration, known)
                self._declared = count

    async def remove_undeclared(self) -> None:
        """Remove jobs that an earlier version of the app has declared, and this one does not."""
        declared = {each.id: each.options.get("jobstore", "default") for each in self._declarations}
        for alias, store in self.stores.items():
            for job in await store.all():
                if job.declaration is not None and declared.get(job.id) != alias:
                    await store.delete(job)

    async def _declare(
        self, declaration: Declaration, known: Mapping[str, Mapping[str, Job]]
    ) -> None:
        """Write a declared job unless it is there: that one keeps later changes and its times."""
        mark = digest(declaration.func, declaration.options)
        alias, job = self.build(declaration)
        job = replace(job, declaration=mark)
        old, store = known[alias].get(job.id), self.stores[alias]
        if old is None:
            if await store.create(job):
                await self._notify(JobEvent(EVENT_JOB_ADDED, job.id, alias))
        elif old.declaration != mark:
            if old.declaration is not None and old.next_run_time is None:
                job = replace(job, next_run_time=None)  # it stays paused
            await store.replace(replace(job, version=old.version))
