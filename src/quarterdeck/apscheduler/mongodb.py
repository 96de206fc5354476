"""Jobs in MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from quarterdeck._mongodb import Document, InMongoDB, mongodb_source, to_its_end

from .job import Job
from .run import microseconds, moment
from .store import JobStore, decode, encode

if TYPE_CHECKING:
    from quart import Quart

TIMEOUT_SECONDS = 5.0


class MongoStore(InMongoDB, JobStore):
    """A collection of jobs, their version counted up by every change."""

    _indexed = False

    @to_its_end
    async def create(self, job: Job) -> bool:
        document = {"_id": job.id, "version": 1, **_fields(job)}
        if not self._indexed:
            await self._collection().create_index("next_run_time")
            self._indexed = True
        try:
            await self._collection().insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    @to_its_end
    async def replace(self, job: Job) -> bool:
        change = {"$set": {"version": job.version + 1, **_fields(job)}}
        done = await self._collection().update_one(_known(job), change)
        return done.matched_count == 1

    @to_its_end
    async def delete(self, job: Job) -> bool:
        return (await self._collection().delete_one(_known(job))).deleted_count == 1

    @to_its_end
    async def get(self, id: str) -> Job | None:
        found = await self._collection().find_one({"_id": id})
        return None if found is None else _read(found)

    @to_its_end
    async def all(self) -> list[Job]:
        return [job async for each in self._collection().find() if (job := _read(each))]

    @to_its_end
    async def due(self, now: datetime, limit: int) -> list[Job]:
        come = {"next_run_time": {"$lte": microseconds(now), "$ne": None}}
        found = self._collection().find(come).sort("next_run_time", ASCENDING).limit(limit)
        return [job async for each in found if (job := _read(each))]

    @to_its_end
    async def next_run_time(self) -> datetime | None:
        waiting = self._collection().find({"next_run_time": {"$ne": None}})
        async for each in waiting.sort("next_run_time", ASCENDING).limit(1):
            return moment(each["next_run_time"])
        return None


def _known(job: Job) -> Document:
    return {"_id": job.id, "version": job.version}


def _fields(job: Job) -> Document:
    due = None if job.next_run_time is None else microseconds(job.next_run_time)
    return {"document": encode(job), "next_run_time": due}


def _read(document: Document) -> Job | None:
    return decode(document["document"], document["next_run_time"], document["version"])


def make_store(options: Mapping[str, Any], config: Mapping[str, Any], _app: Quart) -> MongoStore:
    """Return the store; the option ``client`` wins over ``SCHEDULER_MONGODB``."""
    prefix = config["SCHEDULER_PREFIX"]
    return MongoStore(
        mongodb_source("SCHEDULER_MONGODB", options.get("client") or config["SCHEDULER_MONGODB"]),
        database=options.get("database", prefix),
        collection=options.get("collection", f"{prefix}_jobs"),
        timeout=TIMEOUT_SECONDS,
    )
