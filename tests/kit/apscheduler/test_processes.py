"""Three processes, a job for each second: it runs once, also after its process died or froze."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from quart import Quart

from quarterdeck._state import close_extensions
from quarterdeck.apscheduler import Outcome, Run
from quarterdeck.apscheduler.config import STATE
from quarterdeck.exceptions import DatabaseBusyError

from .conftest import MakeApp
from .processes import Processes, Tick

pytestmark = [pytest.mark.feature("SC4"), pytest.mark.timeout(120)]

LEASE_SECONDS = 3.0


@pytest.fixture(params=["sqlite", "mariadb", "postgresql", "redis"])
def config(request: pytest.FixtureRequest, settings: Callable[[str], dict[str, Any]]) -> Any:
    return settings(request.param) | {"SCHEDULER_LEASE_SECONDS": LEASE_SECONDS}


@pytest.fixture
def reader(config: dict[str, Any], make_app: MakeApp) -> Quart:
    """An app on the same store, to read the history."""
    return make_app("memory", **config)


@pytest.fixture
def processes(tmp_path: Path, config: dict[str, Any]) -> Iterator[Processes]:
    processes = Processes(tmp_path, config)
    processes.start(3)
    yield processes
    processes.stop()


async def freeze(processes: Processes, pid: int, reader: Quart) -> None:
    """Freeze a process at a moment at which it holds no lock of the database.

    A lock would stay until it wakes or dies, and keep every other process from writing. A
    statement that it has sent just before may take the lock a moment later, so look repeatedly.
    """
    while True:
        processes.signal(pid, signal.SIGSTOP)
        with suppress(TimeoutError, DatabaseBusyError):
            async with reader.app_context(), asyncio.timeout(5):
                for _ in range(20):
                    await STATE.get().coordinator.pause(False)  # writes to the row of the lease
                    await asyncio.sleep(0.1)
                return
        processes.signal(pid, signal.SIGCONT)
        await processes.until(len(processes.ticks) + 1)


@pytest.mark.hazard("apscheduler: once per process")
async def test_a_job_runs_once_whatever_happens_to_its_process(
    processes: Processes, reader: Quart
) -> None:
    # Three seconds without a mishap.
    (holder,) = {tick.pid for tick in await processes.until(4)}

    # Its process freezes, another one takes over, and it wakes again.
    await freeze(processes, holder, reader)
    frozen_at = processes.ticks[-1].at
    taken = await processes.until(3, not_by=holder)
    (second,) = {tick.pid for tick in taken}
    count = len(processes.ticks)
    processes.signal(holder, signal.SIGCONT)
    await processes.until(count + 3)
    assert {tick.pid for tick in processes.ticks[count:]} == {second}

    # That one is killed.
    processes.signal(second, signal.SIGKILL)
    killed_at = processes.ticks[-1].at
    count = len(processes.ticks)
    last = await processes.until(count + 3)
    assert second not in {tick.pid for tick in last[count:]}

    longest = LEASE_SECONDS * 1.2 + 2  # the lease, the pause between two looks, a busy machine
    assert taken[0].at - frozen_at < longest
    assert last[count].at - killed_at < longest
    processes.stop()
    check_runs(processes.ticks, await history(reader))


def check_runs(ticks: list[Tick], runs: list[Run]) -> None:
    """Check that the job ran once for each run of the history, which has one for a due time.

    A run that was cut off may have come to its line in the file, or not.
    """
    outcomes = Counter(run.outcome for run in runs)
    succeeded = outcomes[Outcome.SUCCEEDED]
    cut_off = outcomes[Outcome.INTERRUPTED] + outcomes[Outcome.RUNNING]
    assert succeeded <= len(ticks) <= succeeded + cut_off
    assert cut_off <= 3


async def history(app: Quart) -> list[Run]:
    """Return all runs."""
    runs = await STATE.get(app).coordinator.runs("tick", 1000)
    await close_extensions(app)
    return runs
