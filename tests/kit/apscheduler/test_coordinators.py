"""One contract for all coordinators: one process after the other, and no run twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from quarterdeck.apscheduler import Outcome, Run
from quarterdeck.apscheduler.coordinator import Batch, Coordinator

pytestmark = pytest.mark.feature("SC4")

NOON = datetime(2026, 11, 26, 12, 0, 0, 123456, tzinfo=UTC)
SECONDS = 0.5


def run(job: str = "paint", *, minutes: int = 0, process: str = "a:1:x") -> Run:
    due = NOON + timedelta(minutes=minutes)
    return Run(job, due, Outcome.RUNNING, process, started=due)


async def held(coordinator: Coordinator, process: str) -> int:
    """Wait for the lease."""
    async with asyncio.timeout(20):
        while (token := await coordinator.acquire(process, SECONDS)) is None:  # noqa: ASYNC110
            await asyncio.sleep(SECONDS / 5)
    return token


async def test_a_due_time_is_claimed_once(coordinator: Coordinator) -> None:
    token = await held(coordinator, "a:1:x")

    first = await coordinator.claim("a:1:x", token, [Batch([run()], 1)])
    second = await coordinator.claim("a:1:x", token, [Batch([run(), run(minutes=1)], 9)])

    assert first == [run()]
    assert second == [run(minutes=1)]
    assert await coordinator.runs("paint", 10) == [run(minutes=1), run()]


async def test_the_latest_runs_of_several_jobs(coordinator: Coordinator) -> None:
    token = await held(coordinator, "a:1:x")
    painted = [run(minutes=minute) for minute in range(3)]
    await coordinator.claim("a:1:x", token, [Batch(painted, 9), Batch([run("sail")], 1)])

    assert await coordinator.latest_runs([]) == await coordinator.latest_runs(["never"]) == []
    latest = await coordinator.latest_runs(["never", "paint", "sail"])
    assert sorted(latest, key=lambda each: each.job_id) == [run(minutes=2), run("sail")]


async def test_the_history_keeps_how_a_run_ended(coordinator: Coordinator) -> None:
    token = await held(coordinator, "a:1:x")
    await coordinator.claim("a:1:x", token, [Batch([run()], 1), Batch([run("sail")], 1)])
    ended = replace(
        run(),
        outcome=Outcome.FAILED,
        seconds=1.25,
        attempts=3,
        error="ValueError: Öl",
        by_hand=True,
    )

    await coordinator.finish(ended)

    assert await coordinator.runs("paint", 10) == [ended]
    assert len(await coordinator.runs(None, 10)) == 2
    assert ended.host == "a"


async def test_runs_beyond_max_instances_are_skipped(coordinator: Coordinator) -> None:
    token = await held(coordinator, "a:1:x")
    await coordinator.claim("a:1:x", token, [Batch([run()], 1)])

    (second,) = await coordinator.claim("a:1:x", token, [Batch([run(minutes=1)], 1)])
    await coordinator.finish(replace(run(), outcome=Outcome.SUCCEEDED))
    (third,) = await coordinator.claim("a:1:x", token, [Batch([run(minutes=2)], 1)])

    assert (second.outcome, second.started) == (Outcome.SKIPPED, None)
    assert third.outcome is Outcome.RUNNING


async def test_a_run_by_hand_needs_no_lease_but_counts(coordinator: Coordinator) -> None:
    by_hand = await coordinator.claim("b:1:x", None, [Batch([run(process="b:1:x")], 1)])
    token = await held(coordinator, "a:1:x")
    (scheduled,) = await coordinator.claim("a:1:x", token, [Batch([run(minutes=1)], 1)])

    assert [each.outcome for each in by_hand] == [Outcome.RUNNING]
    assert scheduled.outcome is Outcome.SKIPPED


async def test_old_runs_are_forgotten(coordinator: Coordinator) -> None:
    token = await held(coordinator, "a:1:x")
    await coordinator.claim("a:1:x", token, [Batch([run(), run(minutes=1)], 9)])

    await coordinator.prune(NOON + timedelta(minutes=1))

    assert await coordinator.runs(None, 10) == [run(minutes=1)]


async def test_a_pause_lasts_until_it_is_ended(coordinator: Coordinator) -> None:
    assert not await coordinator.paused()
    await coordinator.pause(True)
    assert await coordinator.paused()
    await coordinator.pause(False)
    assert not await coordinator.paused()
