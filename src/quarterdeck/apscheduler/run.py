"""A run: one execution of a job at one due time, as the history keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MAX_ERROR = 2_000  # characters of an error that the history keeps


class Outcome(StrEnum):
    """How a run ended, or why there was none."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MISSED = "missed"  # later than misfire_grace_time
    SKIPPED = "skipped"  # max_instances runs were under way
    INTERRUPTED = "interrupted"  # its process stopped, died or froze


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a job; a job has at most one for each due time.

    Attributes:
        job_id: Of the job.
        due: When it was to begin; for a run by hand, when it was asked for.
        outcome: How it ended.
        process: The process that runs it: ``host:pid:random``.
        started: When it began; None if it did not.
        seconds: How long it took, retries and their delays included; None until it has ended.
        attempts: How often the function was called.
        error: The error of the last attempt, shortened.
        by_hand: Whether ``run_job`` began it, and not the schedule.
    """

    job_id: str
    due: datetime
    outcome: Outcome
    process: str
    started: datetime | None = None
    seconds: float | None = None
    attempts: int = 0
    error: str | None = None
    by_hand: bool = False

    @property
    def host(self) -> str:
        """The name of the machine that runs it."""
        return self.process.rpartition(":")[0].rpartition(":")[0]

    @property
    def is_failure(self) -> bool:
        """Whether the work of this due time was not done."""
        return self.outcome in {Outcome.FAILED, Outcome.INTERRUPTED, Outcome.MISSED}


def microseconds(moment: datetime) -> int:
    """Return a moment as microseconds since 1970, as stores keep it."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """Return the moment, in UTC."""
    return _EPOCH + microseconds * _MICROSECOND
