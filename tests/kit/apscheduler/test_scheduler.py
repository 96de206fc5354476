"""A scheduler at work in one process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED
from quart import Quart, g, has_request_context

from quarterdeck.apscheduler import APScheduler, Outcome, Run, RunEvent
from quarterdeck.apscheduler.config import STATE
from quarterdeck.exceptions import (
    JobBusyError,
    JobConflictError,
    JobNotFoundError,
    JobOptionError,
    SchedulerStateError,
)

from . import functions
from .conftest import MakeApp

pytestmark = pytest.mark.feature("SC1")

HERE = "tests.kit.apscheduler.functions"


class Ended:
    """The runs that have ended, as a listener sees them, and a way to wait for some."""

    def __init__(self, scheduler: APScheduler) -> None:
        self.runs: list[Run] = []
        self._added = asyncio.Event()
        scheduler.add_listener(self.add)

    def add(self, event: Any) -> None:
        if isinstance(event, RunEvent):
            self.runs.append(event.run)
            self._added.set()

    async def until(self, count: int) -> list[Run]:
        async with asyncio.timeout(20):
            while len(self.runs) < count:
                self._added.clear()
                await self._added.wait()
        return self.runs


@pytest.fixture
def scheduler() -> APScheduler:
    return APScheduler()


@pytest.fixture
def ended(scheduler: APScheduler) -> Ended:
    return Ended(scheduler)


@pytest.fixture(name="app")
def _app(make_app: MakeApp, scheduler: APScheduler) -> Quart:
    return make_app("memory", scheduler, SCHEDULER_SHUTDOWN_SECONDS=0.2)


@pytest.fixture(autouse=True)
async def _served(app: Quart) -> AsyncIterator[None]:
    """Serve the app of the test, in whose context it runs."""
    async with app.test_app(), app.app_context():
        yield


async def test_jobs_run_in_an_app_context_and_plain_ones_in_a_thread(
    scheduler: APScheduler, ended: Ended
) -> None:
    await scheduler.add_job("async", functions.note, args=["a"], kwargs={"b": 1})
    await scheduler.add_job("plain", functions.note_plainly, args=["c"])

    runs = await ended.until(2)

    assert {run.outcome for run in runs} == {Outcome.SUCCEEDED}
    main = threading.current_thread().name
    assert ("harbour", ("a",), {"b": 1}, main) in functions.calls
    assert ("harbour", ("c",), {}, "job plain") in functions.calls
    assert await scheduler.get_jobs() == [], "a date trigger fires once"


@pytest.mark.parametrize("function", [functions.cancel, functions.leave, functions.stop])
async def test_a_thread_that_raises_no_common_error_ends_its_run(
    scheduler: APScheduler, ended: Ended, function: Callable[[], None]
) -> None:
    await scheduler.add_job("odd", function)
    (run,) = await ended.until(1)
    assert run.outcome is Outcome.FAILED
    assert "the function raised" in (run.error or "")


async def test_a_plain_function_does_not_block_the_loop(
    scheduler: APScheduler, ended: Ended
) -> None:
    began, end = threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        assert end.wait(20)

    await scheduler.add_job("wait", wait)
    assert await asyncio.to_thread(began.wait, 20)
    await scheduler.add_job("note", functions.note)
    assert (await ended.until(1))[0].job_id == "note"
    end.set()
    await ended.until(2)


async def test_each_run_has_a_context_of_its_own(scheduler: APScheduler, app: Quart) -> None:
    found: list[Any] = []

    async def look() -> None:
        found.append((getattr(g, "deck", None), has_request_context()))

    await scheduler.add_job("look", look, trigger="interval", hours=1)
    async with app.test_request_context("/"):
        g.deck = "upper"
        await scheduler.run_job("look")
    assert found == [(None, False)]


async def test_a_due_job_runs_and_is_due_again(scheduler: APScheduler, ended: Ended) -> None:
    await scheduler.add_job("note", functions.note, trigger="interval", seconds=0.05)

    runs = await ended.until(3)
    job = await scheduler.get_job("note")

    assert job is not None
    steps = {later.due - first.due for first, later in pairwise(runs)}
    assert all(step % timedelta(seconds=0.05) == timedelta() for step in steps)
    history = await scheduler.get_runs("note", limit=2)
    assert [run.due for run in history] == sorted((run.due for run in history), reverse=True)
    assert scheduler.statistics()["note", "succeeded"] >= 3
    assert scheduler.holds_lease
    measured = {each.name: each for each in STATE.get().measurements()}
    assert measured["jobs_lease"].value == 1
    assert measured["job_runs"].value >= 3
    assert measured["job_runs"].labels == {"job": "note", "outcome": "succeeded"}


async def test_jobs_with_many_ids_are_counted_together(
    scheduler: APScheduler, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.apscheduler.runner.MAX_COUNTED", 2)
    for number in range(4):
        await scheduler.add_job(f"once {number}", functions.note)
        await ended.until(number + 1)
    counted = scheduler.statistics()
    assert set(counted) == {(name, "succeeded") for name in ("once 0", "once 1", "other jobs")}
    assert counted["other jobs", "succeeded"] == 2


async def test_a_job_that_fails_is_tried_again_by_its_own_policy(
    scheduler: APScheduler, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.apscheduler.runner._delay", lambda job, attempt: 0.0)
    await scheduler.add_job("fail", functions.fail, retries=2)
    (failed,) = await ended.until(1)
    assert (failed.outcome, failed.attempts) == (Outcome.FAILED, 3)
    assert failed.error == "ValueError: out of paper"

    functions.calls.clear()
    await scheduler.add_job("once", functions.fail_once, retries=1)
    _, printed = await ended.until(2)
    assert (printed.outcome, printed.attempts, printed.error) == (Outcome.SUCCEEDED, 2, None)


async def test_a_run_by_hand_returns_and_raises(scheduler: APScheduler) -> None:
    await scheduler.add_job("note", functions.note, trigger="interval", hours=1)
    await scheduler.add_job("fail", functions.fail, trigger="interval", hours=1)
    before = await scheduler.get_job("note")

    assert await scheduler.run_job("note") == "noted"
    with pytest.raises(ValueError, match="out of paper"):
        await scheduler.run_job("fail")
    with pytest.raises(JobNotFoundError, match="'paint' is not a job"):
        await scheduler.run_job("paint")

    assert await scheduler.get_job("note") == before
    assert [(run.by_hand, run.outcome) for run in await scheduler.get_runs("note")] == [
        (True, Outcome.SUCCEEDED)
    ]


async def test_a_job_does_not_run_twice_at_once(scheduler: APScheduler, ended: Ended) -> None:
    began, end = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        began.set()
        await end.wait()

    await scheduler.add_job("wait", wait, trigger="interval", hours=1)
    await scheduler.run_job("wait", wait=False)
    await began.wait()
    with pytest.raises(JobBusyError, match=r"'wait' is running already \(max_instances=1\)"):
        await scheduler.run_job("wait")
    await scheduler.modify_job("wait", next_run_time=datetime.now(UTC))
    (skipped,) = await ended.until(1)
    assert skipped.outcome is Outcome.SKIPPED
    end.set()
    assert (await ended.until(2))[1].outcome is Outcome.SUCCEEDED


async def test_a_run_that_is_too_late_is_recorded_as_missed(
    scheduler: APScheduler, ended: Ended
) -> None:
    past = datetime.now(UTC) - timedelta(minutes=5)
    await scheduler.add_job("note", functions.note, run_date=past)
    await scheduler.add_job("any", functions.note, run_date=past, misfire_grace_time=None)

    outcomes = {run.job_id: run.outcome for run in await ended.until(2)}

    assert outcomes == {"note": Outcome.MISSED, "any": Outcome.SUCCEEDED}


async def test_what_takes_longer_than_the_stop_is_interrupted(
    scheduler: APScheduler, ended: Ended
) -> None:
    began = threading.Event()
    end = threading.Event()

    async def wait() -> None:
        await asyncio.Event().wait()

    def wait_plainly() -> None:
        began.set()
        end.wait(20)

    await scheduler.add_job("async", wait, trigger="interval", hours=1)
    await scheduler.add_job("plain", wait_plainly, trigger="interval", hours=1)
    for each in ("async", "plain"):
        await scheduler.run_job(each, wait=False)
    assert await asyncio.to_thread(began.wait, 20)

    await scheduler.shutdown()

    end.set()
    runs = await scheduler.get_runs()
    assert {run.outcome for run in runs} == {Outcome.INTERRUPTED}
    assert all(run.seconds is not None and run.seconds >= 0.2 for run in runs)
    assert len(ended.runs) == 2


async def test_a_short_run_ends_before_the_scheduler_stops(
    scheduler: APScheduler, ended: Ended
) -> None:
    began, end = asyncio.Event(), asyncio.Event()

    async def wait() -> str:
        began.set()
        await end.wait()
        return "done"

    await scheduler.add_job("wait", wait)
    await began.wait()
    end.set()
    await scheduler.shutdown()
    assert [run.outcome for run in ended.runs] == [Outcome.SUCCEEDED]


async def test_paused_jobs_wait(scheduler: APScheduler, ended: Ended) -> None:
    await scheduler.add_job("note", functions.note, trigger="interval", seconds=0.05)
    paused = await scheduler.pause_job("note")
    assert paused.next_run_time is None
    seen = len(ended.runs)
    await scheduler.add_job("later", functions.note, run_date=datetime.now(UTC))
    await ended.until(seen + 1)
    assert "later" in {run.job_id for run in ended.runs[seen:]}
    resumed = await scheduler.resume_job("note")
    assert resumed is not None
    assert resumed.next_run_time is not None
    await ended.until(seen + 3)


async def test_a_paused_scheduler_begins_nothing(scheduler: APScheduler, ended: Ended) -> None:
    await scheduler.pause()
    await scheduler.add_job("note", functions.note)
    with pytest.raises(SchedulerStateError, match="the scheduler is running"):
        await scheduler.start()
    assert await scheduler.run_job("note") == "noted", "by hand it runs"
    await scheduler.resume()
    assert len(await ended.until(2)) == 2


async def test_jobs_are_changed_and_replaced(scheduler: APScheduler) -> None:
    await scheduler.add_job("note", functions.note, trigger="interval", hours=1)
    with pytest.raises(JobConflictError, match="'note' is the id of another job"):
        await scheduler.add_job("note", functions.fail)
    await scheduler.add_job(
        "note", functions.note, trigger="interval", hours=2, replace_existing=True
    )

    changed = await scheduler.modify_job(
        "note", trigger="cron", minute="*/5", args=[1], name="Five minutes"
    )

    assert (changed.name, changed.args) == ("Five minutes", (1,))
    assert changed.next_run_time is not None
    assert changed.next_run_time.minute % 5 == 0
    assert [job.name for job in await scheduler.get_jobs()] == ["Five minutes"]
    await scheduler.remove_job("note")
    assert await scheduler.get_job("note") is None
    with pytest.raises(JobNotFoundError):
        await scheduler.remove_job("note")


async def test_all_jobs_are_removed(scheduler: APScheduler) -> None:
    for each in ("note", "other"):
        await scheduler.add_job(each, functions.note, trigger="interval", hours=1)
    await scheduler.remove_all_jobs()
    assert await scheduler.get_jobs() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trigger": "tide"}, "'trigger' of job 'x' is 'tide'. Choose one of date, interval"),
        ({"trigger": "cron", "hours": 1}, "'hours' of job 'x' is no option of 'cron'"),
        ({"trigger": "cron", "hour": 99}, "'trigger' of job 'x' cannot work"),
        ({"trigger": "interval", "timezone": "Mars/One"}, "'trigger' of job 'x' cannot work"),
        ({"args": "abc"}, "'args' of job 'x' is 'abc'. Give a list"),
        ({"func": f"{HERE}:fail", "args": [1]}, "'func' of job 'x' cannot be called"),
        ({"func": "nowhere:at_all"}, "'func' of job 'x' cannot be called"),
        ({"max_instances": 0}, "'max_instances' of job 'x' is 0. Give a whole number of runs"),
        ({"retries": True}, "'retries' of job 'x' is True"),
        ({"colour": "red"}, "'colour' of job 'x' is unknown. Choose among args,"),
        ({"executor": "quick"}, "'executor' of job 'x' is 'quick'. Choose default"),
        ({"jobstore": "attic"}, "'jobstore' of job 'x' is 'attic'. Choose default"),
    ],
)
async def test_options_that_cannot_work_are_refused(
    scheduler: APScheduler, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(JobOptionError) as error:
        await scheduler.add_job("x", **{"func": functions.note, **options})
    assert message in str(error.value)


@pytest.mark.parametrize("id", ["", " ", "x" * 192, None])
async def test_ids_that_cannot_work_are_refused(scheduler: APScheduler, id: Any) -> None:
    with pytest.raises(JobOptionError, match="'id' of job"):
        await scheduler.add_job(id, functions.note)


async def test_listeners_hear_what_their_mask_names(scheduler: APScheduler) -> None:
    heard: list[Any] = []

    async def hear(event: Any) -> None:
        heard.append((event.code, event.job_id))

    def break_down(event: Any) -> None:
        raise ValueError("a listener may fail")

    scheduler.add_listener(break_down)
    scheduler.add_listener(hear, EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    await scheduler.add_job("note", functions.note, trigger="interval", hours=1)
    await scheduler.run_job("note")
    scheduler.remove_listener(hear)
    await scheduler.run_job("note")
    assert heard == [(EVENT_JOB_SUBMITTED, "note"), (EVENT_JOB_EXECUTED, "note")]
