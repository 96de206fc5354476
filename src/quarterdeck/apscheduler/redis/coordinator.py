"""The lease and the history in Redis or Valkey, each change one script.

The lease is a key that expires. A server that loses its data, or a replica that takes over
without the latest writes, may grant a lease twice: keep the append-only file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from quarterdeck.apscheduler.coordinator import Batch, Coordinator
from quarterdeck.apscheduler.run import Outcome, Run, microseconds, moment
from quarterdeck.exceptions import LeaseLostError

from . import scripts
from .connection import RedisConnection


class RedisCoordinator(Coordinator):
    """A run is an entry of the hash ``runs``, named by its due time and its job.

    Sorted sets find it: ``running`` by the last sign of life of its process, ``history`` and
    ``history:JOB`` by its due time.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._redis = connection.redis
        self._scripts: dict[str, Any] = {}

    async def acquire(self, process: str, seconds: float) -> int | None:
        token = await self._call(scripts.ACQUIRE, process, int(seconds * 1000))
        return int(token) or None

    async def renew(self, process: str, token: int, seconds: float) -> None:
        lease = _lease(process, token)
        if not await self._call(scripts.RENEW, lease, int(seconds * 1000)):
            raise LeaseLostError(token)

    async def release(self, process: str, token: int) -> None:
        await self._call(scripts.RELEASE, _lease(process, token))

    async def claim(self, process: str, token: int | None, batches: Sequence[Batch]) -> list[Run]:
        wanted = {_name(run): (run, batch) for batch in batches for run in batch.runs}
        content = [
            [name, run.job_id, str(microseconds(run.due)), batch.limit, run.outcome, _text(run)]
            for name, (run, batch) in wanted.items()
        ]
        lease = "" if token is None else _lease(process, token)
        now = microseconds(datetime.now(UTC))
        texts = await self._call(scripts.CLAIM, lease, now, json.dumps(content))
        if texts is None:
            raise LeaseLostError(token or 0)
        return [_run(text) for text in texts]

    async def finish(self, run: Run) -> None:
        await self._call(scripts.FINISH, _name(run), _text(run))

    async def beat(self, process: str, now: datetime) -> None:
        await self._call(scripts.BEAT, process, microseconds(now))

    async def interrupt(self, before: datetime) -> None:
        await self._call(scripts.INTERRUPT, f"({microseconds(before)}")

    async def runs(self, job_id: str | None, limit: int) -> list[Run]:
        key = "history" if job_id is None else f"history:{job_id}"
        names = await self._redis.zrange(self._connection.key(key), 0, limit - 1, desc=True)
        if not names:
            return []
        texts = await self._redis.hmget(self._connection.key("runs"), names)
        return [_run(text) for text in texts if text is not None]

    async def latest_runs(self, job_ids: Sequence[str]) -> list[Run]:
        if not job_ids:
            return []
        async with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.zrange(self._connection.key(f"history:{job_id}"), 0, 0, desc=True)
            names = [name for found in await pipeline.execute() for name in found]
        if not names:
            return []
        texts = await self._redis.hmget(self._connection.key("runs"), names)
        return [_run(text) for text in texts if text is not None]

    async def prune(self, before: datetime) -> None:
        while await self._call(scripts.PRUNE, f"({microseconds(before)}"):
            pass

    async def paused(self) -> bool:
        return bool(await self._redis.exists(self._connection.key("paused")))

    async def pause(self, paused: bool) -> None:
        key = self._connection.key("paused")
        await (self._redis.set(key, 1) if paused else self._redis.delete(key))

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def _call(self, script: str, *args: Any) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self._redis.register_script(script)
        return await self._scripts[script](keys=[self._connection.key("")], args=list(args))


def _lease(process: str, token: int) -> str:
    return f"{token} {process}"


def _name(run: Run) -> str:
    return f"{microseconds(run.due)}:{run.job_id}"


def _text(run: Run) -> str:
    """Return a run as JSON, with times as text: Lua has no integers of their size."""
    values = {name: getattr(run, name) for name in _PLAIN}
    started = None if run.started is None else str(microseconds(run.started))
    return json.dumps(values | {"due": str(microseconds(run.due)), "started": started})


def _run(text: bytes) -> Run:
    values: Mapping[str, Any] = json.loads(text)
    started = values["started"]
    return Run(
        **{name: values[name] for name in _PLAIN}
        | {
            "outcome": Outcome(values["outcome"]),
            "due": moment(int(values["due"])),
            "started": None if started is None else moment(int(started)),
            "attempts": int(values["attempts"]),
        }
    )


_PLAIN = ("job_id", "outcome", "process", "seconds", "attempts", "error", "by_hand")
