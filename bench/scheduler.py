"""Scheduled jobs: ``python -m bench scheduler``.

Two measurements, each on SQLite, MariaDB and Redis, as far as the servers are on this machine:

- Three processes share a job for each second of a minute. How often does it run, and is any
  second served twice? In a second minute the process that runs it is killed midway; how long
  until another one does?
- One process with 1,000 jobs, all due in the same second, three times. How long does the
  scheduler take until the last one has ended, and how much of that is CPU time?
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from quart import Quart
from tests.kit.apscheduler.processes import Processes, Tick
from tests.servers import Server, mariadb, redis_server

from quarterdeck._state import close_extensions
from quarterdeck.apscheduler import APScheduler
from quarterdeck.apscheduler.config import STATE
from quarterdeck.sqlalchemy import SQLAlchemy

SECONDS = 60
JOBS = 1_000
ROUNDS = 3
NAMES = ("sqlite", "mariadb", "redis")

logging.disable(logging.WARNING)


async def nothing() -> None:
    """The job."""


@contextmanager
def settings(name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a folder and the configuration of a scheduler on a technology."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if name == "sqlite":
            url = f"sqlite+aiosqlite:///{folder / 'jobs.db'}"
            yield folder, _config("sqlalchemy") | {"SQLALCHEMY_DATABASE_URI": url}
            return
        (folder / "server").mkdir()
        make = mariadb if name == "mariadb" else redis_server
        server: Server = make(folder / "server")
        server.start()
        stack.callback(server.kill)
        if name == "redis":
            url = f"redis://127.0.0.1:{server.port}"
            yield folder, _config("redis") | {"SCHEDULER_REDIS": url}
        else:
            url = f"mysql+asyncmy://root@127.0.0.1:{server.port}/test"
            yield folder, _config("sqlalchemy") | {"SQLALCHEMY_DATABASE_URI": url}


def _config(kind: str) -> dict[str, Any]:
    return {"SCHEDULER_JOBSTORES": {"default": {"type": kind}}, "SCHEDULER_LEASE": kind}


async def undisturbed(folder: Path, config: dict[str, Any]) -> str:
    """Let three processes share a job for a minute, and return the result."""
    processes = Processes(folder, config)
    try:
        processes.start(3)
        first = (await processes.until(1))[0].at
        await asyncio.sleep(first + SECONDS - 0.5 - time.time())
        ticks = processes.ticks
    finally:
        processes.stop()
    twice = await _served_twice(ticks, config)
    return f"{len(ticks)} runs in {SECONDS} s, {twice} seconds served twice"


async def _served_twice(ticks: list[Tick], config: dict[str, Any]) -> int:
    began = await first_due(config)
    seconds = Counter(int(tick.at - began) for tick in ticks)
    return sum(count > 1 for count in seconds.values())


async def share(folder: Path, config: dict[str, Any]) -> str:
    """Let three processes share a job, kill the one that runs it, and return the result."""
    processes = Processes(folder, config)
    try:
        processes.start(3)
        first = await processes.until(1)
        await asyncio.sleep(SECONDS / 2)
        holder = first[0].pid
        processes.signal(holder, signal.SIGKILL)
        killed = time.time()
        after = await processes.until(1, not_by=holder)
        await asyncio.sleep(SECONDS / 2 - (time.time() - killed))
        ticks = processes.ticks
    finally:
        processes.stop()
    twice = await _served_twice(ticks, config)
    return (
        f"{len(ticks)} runs in {SECONDS} s, {twice} seconds served twice, "
        f"taken over {after[0].at - killed:.1f} s after kill -9"
    )


async def first_due(config: dict[str, Any]) -> float:
    """Return when the job was due first, from the history."""
    app = make_app(config)
    async with app.app_context():
        runs = await STATE.get().coordinator.runs("tick", 1_000)
    await close_extensions(app)
    return min(run.due for run in runs).timestamp()


def make_app(config: dict[str, Any]) -> Quart:
    """Return an app with a scheduler."""
    app = Quart("bench")
    app.config.update(config)
    if "SQLALCHEMY_DATABASE_URI" in config:
        db = SQLAlchemy(app)
        app.config["SCHEDULER_SQLALCHEMY"] = lambda: db.engine
    APScheduler(app)
    return app


async def overhead(config: dict[str, Any]) -> str:
    """Let one process run many jobs at once, and return the result."""
    app = make_app(config | {"SCHEDULER_PREFIX": "bench"})
    scheduler: APScheduler = app.extensions["apscheduler"]
    times, cpu = [], []
    async with app.test_app(), app.app_context():
        for number in range(JOBS):
            await scheduler.add_job(f"job {number}", nothing, next_run_time=None)
        for _ in range(ROUNDS):
            done = sum(scheduler.statistics().values()) + JOBS
            await scheduler.pause()
            due = datetime.now(UTC) - timedelta(seconds=1)
            for number in range(JOBS):
                await scheduler.add_job(
                    f"job {number}", nothing, run_date=due, replace_existing=True
                )
            began, began_cpu = time.perf_counter(), time.process_time()
            await scheduler.resume()
            while sum(scheduler.statistics().values()) < done:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            times.append(time.perf_counter() - began)
            cpu.append(time.process_time() - began_cpu)
    wall, used = sorted(times)[ROUNDS // 2], sorted(cpu)[ROUNDS // 2]
    return (
        f"{JOBS} jobs at once end in {wall:.2f} s ({wall / JOBS * 1e3:.2f} ms each, "
        f"{used / JOBS * 1e3:.2f} ms of CPU), median of {ROUNDS}"
    )


def main() -> None:
    """Print the results for each technology."""
    print(f"{os.cpu_count()} CPUs")
    for name in NAMES:
        with settings(name) as (folder, config):
            print(f"{name}: {asyncio.run(undisturbed(folder, config))}", flush=True)
        with settings(name) as (folder, config):
            print(f"{name}: {asyncio.run(share(folder, config))}", flush=True)
        with settings(name) as (_, config):
            print(f"{name}: {asyncio.run(overhead(config))}", flush=True)


if __name__ == "__main__":
    main()
