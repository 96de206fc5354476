"""The scheduler of one app: its jobs, and the loop that runs them."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from apscheduler.events import SchedulerEvent

from quarterdeck._measurements import Measurement
from quarterdeck._state import OwnTable, SingleProcess
from quarterdeck.exceptions import JobBusyError

from .coordinator import Batch, Coordinator
from .events import Listeners
from .leader import Leader
from .registry import Declaration, JobRegistry
from .run import Outcome, Run
from .runner import Result, Runner
from .store import JobStore

if TYPE_CHECKING:
    from quart import Quart


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked configuration."""

    zone: tzinfo
    defaults: Mapping[str, Any]
    executors: Mapping[str, int]
    allowed_hosts: Sequence[str]
    lease_seconds: float
    poll_seconds: float
    shutdown_seconds: float
    history_seconds: float


class Scheduler:
    """The state of an app.

    Args:
        app: The app.
        settings: Its configuration.
        stores: Of the jobs, by alias.
        coordinator: Of the processes.
        listeners: Of the extension.
        declarations: A list to which the extension may still add.
    """

    def __init__(
        self,
        app: Quart,
        settings: Settings,
        stores: Mapping[str, JobStore],
        coordinator: Coordinator,
        listeners: Listeners,
        declarations: Sequence[Declaration],
    ) -> None:
        self.app = app
        self.settings = settings
        self.stores = stores
        self.coordinator = coordinator
        self.host = socket.gethostname().lower()
        self.process = f"{self.host}:{os.getpid()}:{secrets.token_hex(4)}"
        self.runner = Runner(
            app,
            self.process,
            coordinator,
            listeners,
            executors=settings.executors,
            beat_seconds=settings.lease_seconds / 2,
        )
        self.registry = JobRegistry(
            stores,
            executors=list(settings.executors),
            defaults=settings.defaults,
            zone=settings.zone,
            declarations=declarations,
            notify=self._changed,
        )
        self.leader: Leader | None = None
        self._loop: asyncio.Task[None] | None = None
        self._listeners = listeners

    @property
    def single_process(self) -> SingleProcess | None:
        """Why several processes cannot serve the app."""
        if not self.coordinator.shared:
            return "SCHEDULER_LEASE", "Choose 'sqlalchemy' or 'redis'"
        if not all(store.shared for store in self.stores.values()):
            return (
                "SCHEDULER_JOBSTORES",
                "Set it to {'default': {'type': 'redis'}}, or the type 'sqlalchemy' or 'mongodb'",
            )
        return None

    @property
    def own_tables(self) -> set[OwnTable]:
        """The tables of its stores and of its coordinator."""
        of_stores = (table for store in self.stores.values() for table in store.own_tables)
        return {*self.coordinator.own_tables, *of_stores}

    async def create_own_tables(self) -> None:
        """Make missing tables of its stores and of its coordinator."""
        await self.coordinator.create_own_tables()
        for store in self.stores.values():
            await store.create_own_tables()

    def measurements(self) -> Iterator[Measurement]:
        """Yield the figures of this process for the metrics."""
        holds = self.leader is not None and self.leader.holds_lease
        yield Measurement("jobs_lease", "Whether this process runs the jobs.", int(holds))
        yield Measurement("jobs_running", "Runs under way.", self.runner.count)
        for (job, outcome), count in self.runner.ended.items():
            labels = {"job": job, "outcome": outcome}
            yield Measurement("job_runs", "Runs that have ended.", count, labels, is_counter=True)
        for job, seconds in self.runner.seconds.items():
            labels = {"job": job}
            about = "Time that the runs have taken."
            yield Measurement("job_run_seconds", about, seconds, labels, is_counter=True)

    # --- life ---------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._loop is not None

    def start(self) -> bool:
        """Begin to wait for the lease; return False if this host may not."""
        if not {self.host, "*"} & set(self.settings.allowed_hosts):
            return False
        settings = self.settings
        self.leader = Leader(
            self.process,
            self.coordinator,
            self.stores,
            self.runner,
            lease_seconds=settings.lease_seconds,
            poll_seconds=settings.poll_seconds,
            history_seconds=settings.history_seconds,
        )
        self._loop = asyncio.create_task(self.leader.run(self._prepare))
        return True

    async def shutdown(self, *, wait: bool = True) -> None:
        """Begin no more runs, and end those under way."""
        loop, self._loop = self._loop, None
        if loop is not None and self.leader is not None:
            self.leader.stop()
            await loop
        self.leader = None
        await self.runner.drain(self.settings.shutdown_seconds if wait else 0)

    async def pause(self, paused: bool) -> None:
        """Pause all jobs in all processes, or resume them."""
        await self.coordinator.pause(paused)
        if self.leader is not None:
            self.leader.paused = paused
            self.leader.wake()

    async def aclose(self) -> None:
        """Stop, and close the connections."""
        await self.shutdown()
        for store in self.stores.values():
            await store.aclose()
        await self.coordinator.aclose()

    async def dispatch(self, event: SchedulerEvent) -> None:
        """Call the listeners."""
        await self._listeners.dispatch(self.app, event)

    async def run_now(self, job_id: str, alias: str | None = None) -> asyncio.Task[Result]:
        """Begin a run by hand in this process.

        Raises:
            JobBusyError: If ``max_instances`` runs are under way.
        """
        name, _, job = await self.registry.find(job_id, alias)
        run = Run(job.id, datetime.now(UTC), Outcome.RUNNING, self.process, by_hand=True)
        recorded = await self.coordinator.claim(
            self.process, None, [Batch([run], job.max_instances)]
        )
        if not recorded or recorded[0].outcome is not Outcome.RUNNING:
            raise JobBusyError(job.id, job.max_instances)
        return self.runner.start(job, recorded, name)

    async def _changed(self, event: SchedulerEvent) -> None:
        await self.dispatch(event)
        if self.leader is not None:
            self.leader.wake()

    async def _prepare(self) -> None:
        await self.registry.declare()
        await self.registry.remove_undeclared()
