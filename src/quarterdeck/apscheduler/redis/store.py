"""Jobs in Redis or Valkey."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from quarterdeck.apscheduler.job import Job
from quarterdeck.apscheduler.run import microseconds, moment
from quarterdeck.apscheduler.store import JobStore, decode, encode

from .connection import RedisConnection

# A job is a text: its version, its next run time and its document, separated by colons. The
# sorted set holds the next run times once more, to find those that are due.
_WRITE = """
local jobs, due = KEYS[1], KEYS[2]
local id, version, time, document = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local old = redis.call('HGET', jobs, id)
if (old and string.match(old, '^%d+') or '0') ~= version then return 0 end
if not document then
  redis.call('HDEL', jobs, id)
else
  redis.call('HSET', jobs, id, string.format('%d:', version + 1) .. time .. ':' .. document)
end
if time == '' then redis.call('ZREM', due, id) else redis.call('ZADD', due, time, id) end
return 1
"""


class RedisStore(JobStore):
    """A hash of jobs, and a sorted set of their next run times."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._redis = connection.redis
        self._jobs, self._due = connection.key("jobs"), connection.key("due")
        self._script = self._redis.register_script(_WRITE)

    async def create(self, job: Job) -> bool:
        return await self._write(job, 0, encode(job))

    async def replace(self, job: Job) -> bool:
        return await self._write(job, job.version, encode(job))

    async def delete(self, job: Job) -> bool:
        keys = [self._jobs, self._due]
        return bool(await self._script(keys=keys, args=[job.id, job.version, ""]))

    async def get(self, id: str) -> Job | None:
        text = await self._redis.hget(self._jobs, id)
        return None if text is None else _read(text)

    async def all(self) -> list[Job]:
        return _read_all(await self._redis.hvals(self._jobs))

    async def due(self, now: datetime, limit: int) -> list[Job]:
        ids = await self._redis.zrange(
            self._due, "-inf", microseconds(now), byscore=True, offset=0, num=limit
        )
        return _read_all(await self._redis.hmget(self._jobs, ids)) if ids else []

    async def next_run_time(self) -> datetime | None:
        found = await self._redis.zrange(self._due, 0, 0, withscores=True)
        return moment(int(found[0][1])) if found else None

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def _write(self, job: Job, version: int, document: str) -> bool:
        time = "" if job.next_run_time is None else str(microseconds(job.next_run_time))
        args: list[Any] = [job.id, version, time, document]
        return bool(await self._script(keys=[self._jobs, self._due], args=args))


def _read_all(texts: list[bytes | None]) -> list[Job]:
    found = [_read(text) for text in texts if text is not None]
    return [job for job in found if job is not None]


def _read(text: bytes) -> Job | None:
    version, time, document = text.split(b":", 2)
    return decode(document, int(time) if time else None, int(version))
