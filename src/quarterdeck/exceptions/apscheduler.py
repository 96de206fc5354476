"""Errors of `quarterdeck.apscheduler`."""

from __future__ import annotations

from .base import QuarterdeckError


class JobOptionError(QuarterdeckError, ValueError):
    """An option of a job cannot work."""

    def __init__(self, job: str, option: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{option}' of job '{job}' {problem}. {remedy}")


class JobNotWritableError(QuarterdeckError, ValueError):
    """A job cannot be written into a job store as JSON."""

    def __init__(self, job: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{job}' cannot be kept in a job store: {problem}. {remedy}")


class JobNotFoundError(QuarterdeckError, LookupError):
    """No job store has a job with this id."""

    def __init__(self, job: str) -> None:
        super().__init__(job)  # a subclass is also APScheduler's error, which takes the id
        self.job_id = job

    def __str__(self) -> str:
        return f"'{self.job_id}' is not a job. Look up the ids with 'get_jobs()'."


class JobConflictError(QuarterdeckError, LookupError):
    """A job with this id exists already, and it was not to be replaced."""

    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.job_id = job

    def __str__(self) -> str:
        return (
            f"'{self.job_id}' is the id of another job. "
            "Choose another id, or pass 'replace_existing=True'."
        )


class JobBusyError(QuarterdeckError, RuntimeError):
    """A job was to run while as many of its runs as are allowed are under way."""

    def __init__(self, job: str, limit: int) -> None:
        super().__init__(
            f"'{job}' is running already (max_instances={limit}). "
            "Wait until it has ended, or raise 'max_instances'."
        )


class JobChangedError(QuarterdeckError, RuntimeError):
    """Other processes changed a job faster than this one could."""

    def __init__(self, job: str) -> None:
        super().__init__(f"'{job}' was changed by other processes meanwhile. Try again.")


class LeaseLostError(QuarterdeckError, RuntimeError):
    """Another process holds the lease of the scheduler now."""

    def __init__(self, token: int) -> None:
        super().__init__(
            f"'lease {token}' has passed to another process. "
            "Wait: this process tries to acquire it again."
        )


class SchedulerStateError(QuarterdeckError, RuntimeError):
    """The scheduler was started, stopped or paused in a state in which that is impossible."""

    def __init__(self, action: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{action}' is not possible: {problem}. {remedy}")
