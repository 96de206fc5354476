"""The loop of one process: it waits for the lease, and runs what is due while it has it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from quarterdeck._repeated_logs import OutageLog
from quarterdeck.exceptions import LeaseLostError

from .coordinator import Batch, Coordinator
from .job import Job
from .planning import plan
from .run import Outcome, Run
from .runner import Runner
from .store import JobStore

logger = logging.getLogger("quarterdeck.apscheduler")

BATCH = 200  # jobs that one transaction claims
RETRY_SECONDS = 1.0  # after an error of a store
PRUNE_SECONDS = 3600.0
#: A run whose process has shown no sign of life for as many leases is recorded as interrupted.
LEASES_WITHOUT_BEAT = 3


class Leader:
    """Runs the due jobs of an app while this process holds the lease.

    Args:
        process: The name of this process.
        coordinator: Grants the lease.
        stores: Of the jobs, by alias.
        runner: Runs them.
        lease_seconds: How long a lease lasts without renewal.
        poll_seconds: How often the stores are read for changes of other processes.
        history_seconds: How long runs are kept.
    """

    def __init__(
        self,
        process: str,
        coordinator: Coordinator,
        stores: Mapping[str, JobStore],
        runner: Runner,
        *,
        lease_seconds: float,
        poll_seconds: float,
        history_seconds: float,
    ) -> None:
        self.token: int | None = None
        self.paused = False
        self._process = process
        self._coordinator = coordinator
        self._stores = stores
        self._runner = runner
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._history = timedelta(seconds=history_seconds)
        self._deadline = 0.0  # by the monotonic clock, which goes on while a process is frozen
        self._pruned = float("-inf")
        self._preparing = OutageLog(logger, "Storing the declared jobs")
        self._leasing = OutageLog(logger, "Keeping the lease")
        self._reading = OutageLog(logger, "Reading due jobs")
        self._stopping = False
        self._wakeup = asyncio.Event()

    @property
    def holds_lease(self) -> bool:
        """Whether this process may begin runs."""
        return self.token is not None and time.monotonic() < self._deadline

    def wake(self) -> None:
        """Look for due jobs now."""
        self._wakeup.set()

    def stop(self) -> None:
        """Begin no more runs; ``run`` returns."""
        self._stopping = True
        self.wake()

    async def run(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease and use it, until :meth:`stop`.

        Args:
            prepare: Called first; repeated until it succeeds, like everything that needs a store.
        """
        beating = asyncio.create_task(self._beat())
        try:
            while not self._stopping and not await self._tried(self._preparing, prepare):
                await self._pause(RETRY_SECONDS)
            while not self._stopping:
                await self._tried(self._leasing, self._acquire)
                if self.token is not None:
                    await self._lead()
                else:
                    await self._pause(self._lease_seconds / 5)
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
            await self._release()

    async def _acquire(self) -> None:
        began = time.monotonic()
        self.paused = await self._coordinator.paused()
        self.token = await self._coordinator.acquire(self._process, self._lease_seconds)
        if self.token is not None:
            self._deadline = began + self._lease_seconds
            logger.info("This process runs the jobs now (lease %d)", self.token)

    async def _lead(self) -> None:
        while self.holds_lease and not self._stopping:
            try:
                delay = await self._process_due()
            except LeaseLostError:
                break
            except Exception as error:
                self._reading.failed(error)
                delay = RETRY_SECONDS
            else:
                self._reading.works()
            await self._pause(delay)
        if not self._stopping:
            logger.warning("The lease %s is lost: another process runs the jobs", self.token)
            self.token = None

    async def _process_due(self) -> float:
        """Begin what is due, and return the seconds until something is."""
        if self.paused:
            return self._poll_seconds
        earliest = None
        for alias, store in self._stores.items():
            while self.holds_lease and not self._stopping:
                due = await store.due(datetime.now(UTC), BATCH)
                if due:
                    await self._begin(alias, store, due)
                if len(due) < BATCH:
                    break
            following = await store.next_run_time()
            if following is not None:
                earliest = following if earliest is None else min(earliest, following)
        if earliest is None:
            return self._poll_seconds
        ahead = (earliest - datetime.now(UTC)).total_seconds()
        if ahead < -self._poll_seconds:  # a job that cannot be read stays due
            return self._poll_seconds
        return min(self._poll_seconds, max(0.0, ahead))

    async def _begin(self, alias: str, store: JobStore, due: list[Job]) -> None:
        now = datetime.now(UTC)
        plans = {job.id: (job, *plan(job, now, self._process)) for job in due}
        batches = [Batch(runs, job.max_instances) for job, runs, _ in plans.values()]
        token = self.token
        if token is None:
            return
        recorded: dict[str, list[Run]] = {}
        for run in await self._coordinator.claim(self._process, token, batches):
            recorded.setdefault(run.job_id, []).append(run)
        for job_id, runs in recorded.items():
            job = plans[job_id][0]
            if to_run := [run for run in runs if run.outcome is Outcome.RUNNING]:
                self._runner.start(job, to_run, alias)
            for run in runs:
                if run.outcome is not Outcome.RUNNING:
                    await self._runner.note(run, alias)
        await store.advance([advanced for _, _, advanced in plans.values()])

    async def _beat(self) -> None:
        """Renew the lease again and again, however long the stores take otherwise."""
        while True:
            await asyncio.sleep(self._lease_seconds / 4)
            await self._tried(self._leasing, self._renew)

    async def _renew(self) -> None:
        coordinator, now = self._coordinator, datetime.now(UTC)
        self.paused = await coordinator.paused()
        token, began = self.token, time.monotonic()
        if token is None:
            return
        try:
            await coordinator.renew(self._process, token, self._lease_seconds)
        except LeaseLostError:
            if self.token == token:
                self._deadline = 0.0
                self.wake()
            return
        self._deadline = began + self._lease_seconds
        await coordinator.interrupt(
            now - timedelta(seconds=LEASES_WITHOUT_BEAT * self._lease_seconds)
        )
        if began - self._pruned > PRUNE_SECONDS:
            self._pruned = began
            await coordinator.prune(now - self._history)

    async def _release(self) -> None:
        token, self.token = self.token, None
        if token is not None:
            release = partial(self._coordinator.release, self._process, token)
            await self._tried(self._leasing, release)

    async def _tried(self, outages: OutageLog, attempt: Callable[[], Awaitable[Any]]) -> bool:
        """Whether an attempt succeeded; an error is logged."""
        try:
            await attempt()
        except Exception as error:
            outages.failed(error)
            return False
        outages.works()
        return True

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wakeup.wait()
        self._wakeup.clear()
