"""What a job store does."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from datetime import datetime

from quarterdeck._state import OwnTable

from .job import Job
from .run import moment

logger = logging.getLogger("quarterdeck.apscheduler")


class JobStore(ABC):
    """Keeps jobs. All processes of an app see the same ones, unless it is the memory's.

    A job that was changed by another process since it was read is not overwritten: ``replace``,
    ``delete`` and ``advance`` compare its version.
    """

    #: Whether the jobs outlive the process, and other processes see them.
    shared = True
    #: Its tables, if it keeps them in a database that migrations may see.
    own_tables: Collection[OwnTable] = ()

    async def create_own_tables(self) -> None:
        """Make missing tables now, if they are made at the first use."""
        return

    @abstractmethod
    async def create(self, job: Job) -> bool:
        """Keep a new job; return False if there is one with its id.

        Raises:
            JobNotWritableError: If it cannot be written as JSON.
        """

    @abstractmethod
    async def replace(self, job: Job) -> bool:
        """Overwrite a job that has this version; return False otherwise."""

    @abstractmethod
    async def delete(self, job: Job) -> bool:
        """Remove a job that has this version; return False otherwise."""

    @abstractmethod
    async def get(self, id: str) -> Job | None:
        """Return a job."""

    @abstractmethod
    async def all(self) -> list[Job]:
        """Return all jobs, in any order."""

    @abstractmethod
    async def due(self, now: datetime, limit: int) -> list[Job]:
        """Return the jobs whose next run time has come, the earliest first."""

    @abstractmethod
    async def next_run_time(self) -> datetime | None:
        """Return the earliest next run time."""

    async def advance(self, jobs: Sequence[Job]) -> None:
        """Write the next run times of jobs that were due; one without any is removed.

        A job that was changed meanwhile keeps its change, and is due again.
        """
        for job in jobs:
            await (self.delete(job) if job.next_run_time is None else self.replace(job))

    async def aclose(self) -> None:  # noqa: B027 - most have nothing to close
        """Close the connections that the store has opened itself."""


def encode(job: Job) -> str:
    """Return the document of a job as text."""
    return json.dumps(job.document(), ensure_ascii=False)


def decode(text: str | bytes, next_run_time: int | None, version: int) -> Job | None:
    """Return a job; None if another version of this kit has written it, which is logged."""
    due = None if next_run_time is None else moment(next_run_time)
    try:
        return Job.of_document(json.loads(text), due, version)
    except (LookupError, TypeError, ValueError):
        logger.exception("A stored job cannot be read, and is passed over: %.200s", text)
        return None
