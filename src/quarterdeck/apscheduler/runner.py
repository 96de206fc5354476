"""Runs jobs: in an app context each, with retries, and to their end when the server stops."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from apscheduler.events import EVENT_JOB_SUBMITTED, JobSubmissionEvent

from quarterdeck._repeated_logs import OutageLog

from .coordinator import Coordinator
from .events import Listeners, RunEvent
from .job import Job
from .run import MAX_ERROR, Outcome, Run
from .threads import run_in_thread

if TYPE_CHECKING:
    from quart import Quart

logger = logging.getLogger("quarterdeck.apscheduler")

MAX_DELAY = 3600.0  # seconds between two attempts of a run
RECORD_ATTEMPTS = 5
MAX_RECORDING = 4  # records written at once, so that requests find connections of the pool
MAX_COUNTED = 200  # jobs that are counted by their id; one-off jobs may have any number of ids
OTHERS = "other jobs"


@dataclass(frozen=True, slots=True)
class Result:
    """How the last run of a task has ended."""

    run: Run
    value: Any = None
    error: BaseException | None = None


class Runner:
    """The runs that are under way in this process.

    Args:
        app: In whose context they run.
        process: The name of this process.
        coordinator: Records how they end.
        listeners: Receive the events.
        executors: How many plain functions may run at once, by alias.
        beat_seconds: How often the coordinator learns that they go on.
    """

    def __init__(
        self,
        app: Quart,
        process: str,
        coordinator: Coordinator,
        listeners: Listeners,
        *,
        executors: Mapping[str, int],
        beat_seconds: float,
    ) -> None:
        self._app = app
        self._process = process
        self._coordinator = coordinator
        self._listeners = listeners
        self._beat_seconds = beat_seconds
        self._beating: asyncio.Task[None] | None = None
        self._limits = {alias: asyncio.Semaphore(limit) for alias, limit in executors.items()}
        self._recording = asyncio.Semaphore(MAX_RECORDING)
        self._under_way: dict[asyncio.Task[Result], list[Run]] = {}
        self.ended: Counter[tuple[str, str]] = Counter()  # by job and outcome
        self.seconds: dict[str, float] = {}  # by job

    @property
    def count(self) -> int:
        """How many runs are under way."""
        return len(self._under_way)

    def start(self, job: Job, runs: Sequence[Run], jobstore: str) -> asyncio.Task[Result]:
        """Begin runs of a job, one after the other.

        The task has none of the caller's context variables, such as a request.
        """
        waiting = list(runs)
        work = self._run_all(job, waiting, jobstore)
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._under_way[task] = waiting
        task.add_done_callback(self._forget)
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())
        return task

    async def note(self, run: Run, jobstore: str) -> None:
        """Report a run that was missed or skipped."""
        logger.warning("Job '%s' was %s: due at %s", run.job_id, run.outcome, run.due)
        await self._report(Result(run), jobstore)

    async def drain(self, seconds: float) -> None:
        """Wait for all runs; those that take longer are cancelled and recorded as interrupted."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(list(self._under_way), timeout=seconds)
        left = [run for task in late for run in self._under_way[task]]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=seconds)
        for run in left:
            logger.warning("Job '%s' was interrupted by the end of the process", run.job_id)
            took = None if run.started is None else (datetime.now(UTC) - run.started)
            seconds_taken = None if took is None else took.total_seconds()
            ended = replace(run, outcome=Outcome.INTERRUPTED, seconds=seconds_taken)
            await self._record(ended)
            await self._report(Result(ended), "default")

    async def _beat(self) -> None:
        outages = OutageLog(logger, "Reporting that the runs go on")
        while True:
            await asyncio.sleep(self._beat_seconds)
            try:
                await self._coordinator.beat(self._process, datetime.now(UTC))
            except Exception as error:
                outages.failed(error)
            else:
                outages.works()

    def _forget(self, task: asyncio.Task[Result]) -> None:
        self._under_way.pop(task, None)
        if not self._under_way and self._beating is not None:
            self._beating.cancel()
            self._beating = None
        if not task.cancelled():
            task.exception()  # of interest to the caller of 'run_job', who may have left

    async def _run_all(self, job: Job, waiting: list[Run], jobstore: str) -> Result:
        times = [run.due for run in waiting]
        event = JobSubmissionEvent(EVENT_JOB_SUBMITTED, job.id, jobstore, times)
        await self._listeners.dispatch(self._app, event)
        while True:
            waiting[0] = run = replace(waiting[0], started=datetime.now(UTC))
            result = await self._run(job, run)
            await self._record(result.run)
            del waiting[0]
            await self._report(result, jobstore)
            if not waiting:
                return result

    async def _run(self, job: Job, run: Run) -> Result:
        began = time.perf_counter()
        attempt = 0
        while True:
            attempt += 1
            try:
                value = await self._call(job)
            except Exception as error:
                logger.exception("Job '%s' has failed (attempt %d)", job.id, attempt)
                if attempt <= job.retries and not run.by_hand:
                    await asyncio.sleep(_delay(job, attempt))
                    continue
                ended = replace(run, outcome=Outcome.FAILED, error=_text(error))
                result = Result(_timed(ended, attempt, began), error=error)
            else:
                ended = replace(run, outcome=Outcome.SUCCEEDED)
                result = Result(_timed(ended, attempt, began), value)
            return result

    async def _call(self, job: Job) -> Any:
        function = await _load(job)
        call: Callable[[], Any] = partial(function, *job.args, **job.kwargs)
        async with self._app.app_context():
            if inspect.iscoroutinefunction(inspect.unwrap(function)):
                return await call()
            async with self._limits[job.executor]:
                result = await run_in_thread(call, f"job {job.id}")
            return await result if inspect.isawaitable(result) else result

    async def _record(self, run: Run) -> None:
        """Record how a run has ended, with retries: it cannot be repeated to know."""
        for attempt in range(RECORD_ATTEMPTS):
            try:
                async with self._recording:
                    return await self._coordinator.finish(run)
            except Exception as error:
                text = "The end of job '%s' is not recorded yet: %s"
                logger.warning(text, run.job_id, error, exc_info=attempt == 0)
                if attempt + 1 < RECORD_ATTEMPTS:
                    await asyncio.sleep(0.1 * 2**attempt)
        logger.error("The end of job '%s' is lost: it was %s", run.job_id, run.outcome)

    async def _report(self, result: Result, jobstore: str) -> None:
        run = result.run
        is_counted = run.job_id in self.seconds or len(self.seconds) < MAX_COUNTED
        name = run.job_id if is_counted else OTHERS
        self.ended[name, run.outcome] += 1
        self.seconds[name] = self.seconds.get(name, 0.0) + (run.seconds or 0.0)
        event = RunEvent(result.run, jobstore, result.value, result.error)
        await self._listeners.dispatch(self._app, event)


async def _load(job: Job) -> Callable[..., Any]:
    """Return the function of a job; a module that is not imported yet is, in a thread."""
    module, _, _ = (job.func_ref or "").partition(":")
    if job.function is not None or module in sys.modules:
        return job.func
    return await asyncio.to_thread(lambda: job.func)


def _timed(run: Run, attempts: int, began: float) -> Run:
    return replace(run, attempts=attempts, seconds=time.perf_counter() - began)


def _delay(job: Job, attempt: int) -> float:
    """Return the seconds before the next attempt, with jitter."""
    longest = min(MAX_DELAY, job.retry_delay * 2 ** (attempt - 1))
    return random.uniform(longest / 2, longest)  # noqa: S311  # no secret


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_ERROR]
