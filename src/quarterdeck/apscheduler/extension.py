"""The extension: declares an app's jobs, and changes them while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from apscheduler.events import (
    EVENT_ALL,
    EVENT_SCHEDULER_PAUSED,
    EVENT_SCHEDULER_RESUMED,
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_STARTED,
    SchedulerEvent,
)

from quarterdeck._quart import stop_first

from .building import make_scheduler
from .config import STATE
from .errors import JobNotFoundError, SchedulerRunningError, SchedulerStoppedError
from .events import Listener, Listeners
from .job import Job
from .registry import Declaration
from .run import Run
from .states import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED

if TYPE_CHECKING:
    from quart import Quart

C = TypeVar("C", bound=Callable[..., Any])
A = TypeVar("A", bound=Callable[..., Any])


class APScheduler:
    """The scheduled jobs of an app.

    Args:
        app: Initialised at once if given.
    """

    def __init__(self, app: Quart | None = None) -> None:
        self._tasks: list[Declaration] = []
        self._listeners = Listeners()
        self.authentication: Callable[..., Any] | None = None
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration; nothing connects yet.

        The scheduler starts when the app begins to serve, after the functions that
        ``before_serving`` has registered so far.

        Raises:
            ConfigurationError: If a key cannot work, or a package is missing.
            JobOptionError: If a job of the configuration cannot work.
            ExtensionAlreadyInitializedError: If the app has an APScheduler.
        """
        STATE.refuse_second(app)
        scheduler, autostart = make_scheduler(self, app, self._listeners, self._tasks)
        STATE.attach(app, scheduler, self)

        async def start() -> None:
            if autostart and not scheduler.running:
                await self._start(app)

        app.before_serving(start)
        stop_first(app, scheduler.aclose)  # the runs that end now, and their records, need others

    # --- declarations -------------------------------------------------------------------

    def task(self, trigger: Any, *, id: str | None = None, **options: Any) -> Callable[[C], C]:
        """Declare a function as a job::

            @scheduler.task("cron", hour=7, minute=30)
            async def send_summary(): ...

        A job that is known already keeps its times and later changes until its declaration
        changes. ``id`` is the name of the function if it is not given.

        Args:
            trigger: ``date``, ``interval``, ``cron``, ``calendarinterval``, or a trigger.
            id: Of the job.
            options: As for ``add_job``.
        """

        def declare(function: C) -> C:
            name = id or function.__name__
            self._tasks.append(Declaration(name, function, {**options, "trigger": trigger}))
            return function

        return declare

    def add_listener(self, callback: Listener, mask: int = EVENT_ALL) -> None:
        """Call a function, async or not, in an app context for each event of the mask.

        Events reach the listeners of the process in which they happen.
        """
        self._listeners.add(callback, mask)

    def remove_listener(self, callback: Listener) -> None:
        """Stop calling a function."""
        self._listeners.remove(callback)

    def authenticate(self, function: A) -> A:
        """Register the function that takes the ``Authorization`` of a client of the endpoints.

        It returns whether the client may use them.
        """
        self.authentication = function
        return function

    # --- the scheduler --------------------------------------------------------------------

    @property
    def host_name(self) -> str:
        """The name of this machine, in lower case."""
        return STATE.get().host

    @property
    def running(self) -> bool:
        """Whether it was started in this process, which runs jobs if it holds the lease."""
        return STATE.get().running

    @property
    def holds_lease(self) -> bool:
        """Whether this process runs the jobs at present."""
        leader = STATE.get().leader
        return leader is not None and leader.holds_lease

    @property
    def state(self) -> int:
        """``STATE_STOPPED``, ``STATE_RUNNING`` or ``STATE_PAUSED``."""
        leader = STATE.get().leader
        if leader is None:
            return STATE_STOPPED
        return STATE_PAUSED if leader.paused else STATE_RUNNING

    async def start(self, paused: bool = False) -> None:
        """Start in this process; done by itself when the app begins to serve.

        On a host that ``SCHEDULER_ALLOWED_HOSTS`` leaves out it does nothing.

        Args:
            paused: Whether to pause all jobs, in all processes.

        Raises:
            SchedulerStateError: If it is running.
        """
        scheduler = STATE.get()
        if scheduler.running:
            raise SchedulerRunningError
        if paused:
            await scheduler.coordinator.pause(True)
        await self._start(scheduler.app)

    async def _start(self, app: Quart) -> None:
        scheduler = STATE.get(app)
        if scheduler.start():
            await scheduler.dispatch(SchedulerEvent(EVENT_SCHEDULER_STARTED))

    async def shutdown(self, wait: bool = True) -> None:
        """Stop in this process; another one takes the lease.

        Args:
            wait: Whether to wait ``SCHEDULER_SHUTDOWN_SECONDS`` for runs under way. Those that
                go on after it are recorded as interrupted.

        Raises:
            SchedulerStateError: If it is not running.
        """
        scheduler = self._running("shutdown")
        await scheduler.shutdown(wait=wait)
        await scheduler.dispatch(SchedulerEvent(EVENT_SCHEDULER_SHUTDOWN))

    async def pause(self) -> None:
        """Begin no scheduled run in any process, until ``resume``; restarts do not end it."""
        scheduler = self._running("pause")
        await scheduler.pause(True)
        await scheduler.dispatch(SchedulerEvent(EVENT_SCHEDULER_PAUSED))

    async def resume(self) -> None:
        """Let all processes begin runs again; those missed follow ``misfire_grace_time``."""
        scheduler = self._running("resume")
        await scheduler.pause(False)
        await scheduler.dispatch(SchedulerEvent(EVENT_SCHEDULER_RESUMED))

    def _running(self, action: str) -> Any:
        scheduler = STATE.get()
        if not scheduler.running:
            raise SchedulerStoppedError(action)
        return scheduler

    def statistics(self) -> dict[tuple[str, str], int]:
        """Return how many runs have ended in this process, by job id and outcome.

        The jobs after the first 200 are counted together.
        """
        return dict(STATE.get().runner.ended)

    # --- jobs -----------------------------------------------------------------------------

    async def add_job(
        self,
        id: str,
        func: Callable[..., Any] | str,
        *,
        replace_existing: bool = False,
        **options: Any,
    ) -> Job:
        """Add a job; it is kept in a job store and outlives this process if the store does.

        Args:
            id: Unique among all jobs.
            func: An async or plain function, or ``package.module:name``.
            replace_existing: Whether to replace a job with this id.
            options: ``trigger`` and its options, ``args``, ``kwargs``, ``name``, ``jobstore``,
                ``executor``, ``next_run_time`` and what ``SCHEDULER_JOB_DEFAULTS`` may hold.

        Raises:
            JobOptionError: If an option cannot work.
            JobNotWritableError: If the job store needs JSON, and the job is none.
            JobConflictError: If there is a job with this id.
        """
        declaration = Declaration(id, func, options)
        return await STATE.get().registry.add(declaration, replace_existing=replace_existing)

    async def modify_job(self, id: str, jobstore: str | None = None, **changes: Any) -> Job:
        """Change options of a job; a new ``trigger`` counts from now, also for a paused job.

        Raises:
            JobNotFoundError: If there is no such job.
            JobOptionError: If an option cannot work.
        """
        registry = STATE.get().registry
        changed = await registry.change(id, jobstore, lambda job: registry.modified(job, changes))
        if changed is None:
            raise JobNotFoundError(id)
        return changed

    async def remove_job(self, id: str, jobstore: str | None = None) -> None:
        """Remove a job; a declared one comes back with the next start.

        Raises:
            JobNotFoundError: If there is no such job.
        """
        await STATE.get().registry.change(id, jobstore, lambda _job: None)

    async def remove_all_jobs(self, jobstore: str | None = None) -> None:
        """Remove all jobs of a job store, or of all."""
        await STATE.get().registry.clear(jobstore)

    async def get_job(self, id: str, jobstore: str | None = None) -> Job | None:
        """Return a job; None if there is no such job."""
        try:
            return (await STATE.get().registry.find(id, jobstore))[2]
        except JobNotFoundError:
            return None

    async def get_jobs(self, jobstore: str | None = None) -> list[Job]:
        """Return the jobs, the next to run first, paused ones last."""
        return await STATE.get().registry.jobs(jobstore)

    async def pause_job(self, id: str, jobstore: str | None = None) -> Job:
        """Keep a job from running until ``resume_job``.

        Raises:
            JobNotFoundError: If there is no such job.
        """
        return await self.modify_job(id, jobstore, next_run_time=None)

    async def resume_job(self, id: str, jobstore: str | None = None) -> Job | None:
        """Let a job run again; one whose trigger has ended is removed, and None is returned.

        Raises:
            JobNotFoundError: If there is no such job.
        """
        registry = STATE.get().registry
        return await registry.change(id, jobstore, registry.resumed)

    async def run_job(self, id: str, jobstore: str | None = None, *, wait: bool = True) -> Any:
        """Run a job now, in this process; its schedule stays as it is, and it is not retried.

        Args:
            id: Of the job.
            jobstore: The alias of its store, if that is known.
            wait: Whether to return when it has ended: with what the function returns.

        Raises:
            JobNotFoundError: If there is no such job.
            JobBusyError: If ``max_instances`` runs are under way.
            Exception: With ``wait``, that of the function.
        """
        task = await STATE.get().run_now(id, jobstore)
        if not wait:
            return None
        result = await asyncio.shield(task)
        if result.error is not None:
            raise result.error
        return result.value

    async def get_runs(self, id: str | None = None, *, limit: int = 50) -> list[Run]:
        """Return the latest runs of a job, or of all jobs, the latest first."""
        return await STATE.get().coordinator.runs(id, limit)

    async def get_latest_runs(self, jobs: Iterable[Job]) -> dict[str, Run]:
        """Return the latest run of each job by its id, all read at once.

        Jobs that have never run are missing.
        """
        ids = sorted({job.id for job in jobs})
        return {run.job_id: run for run in await STATE.get().coordinator.latest_runs(ids)}
