"""Which process runs the jobs, and the record of their runs.

One process holds the lease. Its token grows with each holder, and ``claim`` compares it in the
same transaction in which it records runs: a process that froze, lost the lease and goes on
cannot begin a run. A run is recorded under its job and due time, which nobody can record twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from quarterdeck._state import OwnTable

from .run import Outcome, Run


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs of one job that are to be recorded; those that are to run run one after the other.

    Attributes:
        runs: Each with the outcome ``running`` or ``missed``.
        limit: If this many runs of the job are under way, those that are to run are skipped.
    """

    runs: Sequence[Run]
    limit: int


class Coordinator(ABC):
    """The lease and the history of an app."""

    #: Whether several processes can share it.
    shared = True
    #: Its tables, if it keeps them in a database that migrations may see.
    own_tables: Collection[OwnTable] = ()

    async def create_own_tables(self) -> None:
        """Make missing tables now, if they are made at the first use."""
        return

    @abstractmethod
    async def acquire(self, process: str, seconds: float) -> int | None:
        """Return the token of the lease; None while another process holds it.

        It is called again and again by a process that waits.

        Args:
            process: The caller.
            seconds: How long a lease lasts without ``renew``.
        """

    @abstractmethod
    async def renew(self, process: str, token: int, seconds: float) -> None:
        """Extend the lease.

        Raises:
            LeaseLostError: If another process holds it.
        """

    @abstractmethod
    async def release(self, process: str, token: int) -> None:
        """End the lease at once, if the process holds it."""

    @abstractmethod
    async def claim(self, process: str, token: int | None, batches: Sequence[Batch]) -> list[Run]:
        """Record runs, and return those that were recorded: all of them not yet there.

        Their outcome is ``running``, ``missed`` or ``skipped``.

        Args:
            process: The caller.
            token: Of the lease; None for runs by hand, which need no lease.
            batches: One for each job.

        Raises:
            LeaseLostError: If another process holds the lease.
        """

    @abstractmethod
    async def finish(self, run: Run) -> None:
        """Record how a run has ended."""

    @abstractmethod
    async def beat(self, process: str, now: datetime) -> None:
        """Note that the runs under way in a process still are."""

    @abstractmethod
    async def interrupt(self, before: datetime) -> None:
        """Record as interrupted all runs whose process has not called ``beat`` since ``before``."""

    @abstractmethod
    async def runs(self, job_id: str | None, limit: int) -> list[Run]:
        """Return runs of a job, or of all, the one that was due last first."""

    @abstractmethod
    async def latest_runs(self, job_ids: Sequence[str]) -> list[Run]:
        """Return the run of each job that was due last; none for a job that never ran."""

    @abstractmethod
    async def prune(self, before: datetime) -> None:
        """Forget runs that were due before a moment."""

    @abstractmethod
    async def paused(self) -> bool:
        """Whether no job is to run."""

    @abstractmethod
    async def pause(self, paused: bool) -> None:
        """Pause all jobs, or resume them."""

    async def aclose(self) -> None:  # noqa: B027 - most have nothing to close
        """Close the connections that it has opened itself."""


def limited(runs: Sequence[Run], limit: int, under_way: Mapping[str, int]) -> list[Run]:
    """Return new runs of a job, those that are to run as skipped if too many are under way."""
    return [
        replace(run, outcome=Outcome.SKIPPED, started=None)
        if run.outcome is Outcome.RUNNING and under_way.get(run.job_id, 0) >= limit
        else run
        for run in runs
    ]
