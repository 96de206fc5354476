"""The errors of the kit that are also those of APScheduler, so that ported handlers catch them.

APScheduler has no types: its classes are ``Any`` to type checkers.
"""

from __future__ import annotations

from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.schedulers import SchedulerAlreadyRunningError, SchedulerNotRunningError

from quarterdeck import exceptions


class JobNotFoundError(exceptions.JobNotFoundError, JobLookupError):
    """As in ``quarterdeck.exceptions``."""


class JobConflictError(exceptions.JobConflictError, ConflictingIdError):
    """As in ``quarterdeck.exceptions``."""


class SchedulerRunningError(exceptions.SchedulerStateError, SchedulerAlreadyRunningError):
    """The scheduler was started twice."""

    def __init__(self) -> None:
        super().__init__("start", "the scheduler is running", "Stop it with 'shutdown()' first")

    def __str__(self) -> str:
        return str(self.args[0])


class SchedulerStoppedError(exceptions.SchedulerStateError, SchedulerNotRunningError):
    """The scheduler was stopped, paused or resumed while it was not running."""

    def __init__(self, action: str) -> None:
        super().__init__(action, "the scheduler is not running", "Start it with 'start()' first")

    def __str__(self) -> str:
        return str(self.args[0])
