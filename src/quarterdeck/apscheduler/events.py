"""The events of APScheduler, and the listeners that receive them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from apscheduler.events import (
    EVENT_ALL,
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
    SchedulerEvent,
)

from .run import Outcome, Run

if TYPE_CHECKING:
    from quart import Quart

logger = logging.getLogger("quarterdeck.apscheduler")

Listener = Callable[[Any], Any]
CODES = {
    Outcome.SUCCEEDED: EVENT_JOB_EXECUTED,
    Outcome.FAILED: EVENT_JOB_ERROR,
    Outcome.INTERRUPTED: EVENT_JOB_ERROR,
    Outcome.MISSED: EVENT_JOB_MISSED,
    Outcome.SKIPPED: EVENT_JOB_MAX_INSTANCES,
}


class RunEvent(JobExecutionEvent):
    """A run has ended, or a job did not run: APScheduler's event, and the entry of the history.

    Attributes:
        run: The run, with its outcome and duration.
    """

    def __init__(
        self, run: Run, jobstore: str, retval: Any = None, exception: BaseException | None = None
    ) -> None:
        super().__init__(
            CODES[run.outcome], run.job_id, jobstore, run.due, retval, exception, run.error
        )
        self.run = run


class Listeners:
    """The listeners of an extension, in the order in which they were added."""

    def __init__(self) -> None:
        self._listeners: list[tuple[Listener, int]] = []

    def add(self, callback: Listener, mask: int = EVENT_ALL) -> None:
        self._listeners.append((callback, mask))

    def remove(self, callback: Listener) -> None:
        self._listeners = [each for each in self._listeners if each[0] != callback]

    async def dispatch(self, app: Quart, event: SchedulerEvent) -> None:
        """Call the listeners of an event, each in an app context; errors are logged."""
        for callback, mask in tuple(self._listeners):
            if event.code & mask:
                try:
                    async with app.app_context():
                        result = callback(event)
                        if inspect.isawaitable(result):
                            await result
                except Exception:
                    logger.exception("A listener of the scheduler has failed")
