"""Jobs that the app declares, and settings that cannot work."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.triggers.interval import IntervalTrigger
from quart import Quart

from quarterdeck.apscheduler import STATE_STOPPED, APScheduler
from quarterdeck.apscheduler.config import STATE
from quarterdeck.exceptions import (
    ConfigurationError,
    ExtensionAlreadyInitializedError,
    JobNotWritableError,
    JobOptionError,
    SingleProcessError,
)
from quarterdeck.serving.supervisor.refusals import refuse_several_processes

from . import functions
from .conftest import MakeApp

pytestmark = pytest.mark.feature("SC1")

NOTE = "tests.kit.apscheduler.functions:note"


async def shown(app: Quart, without: str = "") -> dict[str, Any]:
    """Start the app once, and return its jobs by id, as soon as one of them is gone."""
    async with app.test_app(), app.app_context(), asyncio.timeout(20):
        while True:
            jobs = {job.id: job for job in await app.extensions["apscheduler"].get_jobs()}
            if without not in jobs:
                return jobs
            await asyncio.sleep(0.01)  # the leader removes it soon after the start


async def test_jobs_from_the_configuration_and_the_decorator(make_app: MakeApp) -> None:
    scheduler = APScheduler()

    @scheduler.task("interval", hours=1)
    async def decorated() -> None:
        """Do nothing."""

    jobs = [{"id": "job1", "func": NOTE, "trigger": "cron", "hour": 2, "args": [1]}]
    app = make_app("memory", scheduler, JOBS=jobs, SCHEDULER_TIMEZONE="Europe/Berlin")

    found = await shown(app)

    assert set(found) == {"decorated", "job1"}
    assert found["job1"].next_run_time.tzinfo.key == "Europe/Berlin"
    assert found["job1"].next_run_time.hour == 2


@pytest.fixture(params=["sqlite", "mariadb", "postgresql", "redis", "mongodb"])
def fixed(request: pytest.FixtureRequest, make_app: MakeApp, settings: Any) -> Any:
    """Make apps on one store, with different declarations."""
    config = settings(request.param)

    def make(*jobs: dict[str, Any]) -> Quart:
        return make_app("memory", **config, JOBS=list(jobs))

    return make


@pytest.fixture
def apps(fixed: Any) -> list[Quart]:
    """One store, as an app finds it that is started three times; later without a job."""
    paint = {"id": "paint", "func": NOTE, "trigger": "interval", "hours": 1}
    scrub = paint | {"id": "scrub"}
    return [fixed(paint, scrub), fixed(paint, scrub), fixed(paint | {"hours": 2})]


@pytest.mark.feature("SC3")
async def test_declared_jobs_over_restarts(apps: list[Quart]) -> None:
    first = await shown(apps[0])
    async with apps[1].test_app(), apps[1].app_context():
        scheduler = apps[1].extensions["apscheduler"]
        again = {job.id: job for job in await scheduler.get_jobs()}
        await scheduler.pause_job("paint")
        await scheduler.add_job("mine", NOTE, trigger="interval", hours=1)
    changed = await shown(apps[2], without="scrub")

    assert {j.id: j.next_run_time for j in again.values()} == {
        j.id: j.next_run_time for j in first.values()
    }, "what has not changed keeps its times"
    assert set(changed) == {"paint", "mine"}, "scrub is declared no more"
    assert changed["paint"].trigger.interval.total_seconds() == 7200
    assert changed["paint"].next_run_time is None, "it stays paused"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"SCHEDULER_JOBSTORES": {"default": MemoryJobStore()}}, "unpickle what they read"),
        ({"SCHEDULER_JOBSTORES": {"default": {"type": "etcd"}}}, "Write {'type': ...} with one"),
        ({"SCHEDULER_LEASE": "zookeeper"}, "'SCHEDULER_LEASE' is 'zookeeper'. Choose one of"),
        ({"SCHEDULER_LEASE": "sqlalchemy"}, "Give an AsyncEngine, or a function"),
        ({"SCHEDULER_REDIS": 5, "SCHEDULER_LEASE": "redis"}, "Give a redis.asyncio.Redis"),
        ({"SCHEDULER_REDIS": "x", "SCHEDULER_LEASE": "redis"}, "is not a Redis URL"),
        (
            {"SCHEDULER_MONGODB": "x", "SCHEDULER_JOBSTORES": {"default": {"type": "mongodb"}}},
            "is not a MongoDB URL",
        ),
        ({"SCHEDULER_EXECUTORS": {"default": {"type": "processpool"}}}, "know no app context"),
        ({"SCHEDULER_JOB_DEFAULTS": {"colour": "red"}}, "has 'colour'. Choose among coalesce"),
        ({"SCHEDULER_TIMEZONE": "Mars/One"}, "Name a zone such as 'Europe/Berlin'"),
        ({"SCHEDULER_LEASE_SECONDS": 0.1}, "Expected at least 0.5 seconds"),
        ({"JOBS": [{"id": "x"}]}, "has a job without 'func'"),
        ({"JOBS": "x"}, "Expected a list of dictionaries"),
    ],
)
def test_settings_that_cannot_work(config: dict[str, Any], message: str) -> None:
    app = Quart("harbour")
    app.config.update(config)
    with pytest.raises(ConfigurationError) as error:
        APScheduler(app)
    assert message in str(error.value)


def test_a_declared_job_that_cannot_work_stops_the_start(make_app: MakeApp, settings: Any) -> None:
    with pytest.raises(JobOptionError, match="'trigger' of job 'x' is 'tide'"):
        make_app(JOBS=[{"id": "x", "func": NOTE, "trigger": "tide"}])
    scheduler = APScheduler()
    scheduler.task("interval", hours=1)(lambda: None)
    with pytest.raises(JobNotWritableError, match="Move the function to the top of a module"):
        make_app("sqlite", scheduler)


def test_a_second_scheduler_is_refused(make_app: MakeApp) -> None:
    with pytest.raises(ExtensionAlreadyInitializedError):
        APScheduler(make_app())


async def test_other_hosts_do_not_start(make_app_elsewhere: Quart) -> None:
    async with make_app_elsewhere.test_app(), make_app_elsewhere.app_context():
        scheduler = make_app_elsewhere.extensions["apscheduler"]
        assert not scheduler.running
        assert scheduler.state == STATE_STOPPED


@pytest.fixture(
    params=[
        {"SCHEDULER_ALLOWED_HOSTS": ["other"]},
        {"SCHEDULER_ALLOWED_HOSTS": []},
        {"SCHEDULER_AUTOSTART": False},
    ]
)
def make_app_elsewhere(request: pytest.FixtureRequest, make_app: MakeApp) -> Quart:
    return make_app(**request.param)


@pytest.fixture
def app_without_autostart(make_app: MakeApp) -> Quart:
    return make_app(SCHEDULER_AUTOSTART=False)


async def test_it_is_started_by_hand(app_without_autostart: Quart) -> None:
    app = app_without_autostart
    async with app.test_app(), app.app_context():
        scheduler = app.extensions["apscheduler"]
        assert not scheduler.running
        await scheduler.start()
        assert scheduler.running
        await scheduler.shutdown()
        assert not scheduler.running


@pytest.mark.feature("SC4")
@pytest.mark.parametrize(
    ("name", "more", "setting"),
    [
        ("memory", {}, "SCHEDULER_LEASE"),
        ("mongodb", {}, "SCHEDULER_LEASE"),
        ("redis", {"SCHEDULER_JOBSTORES": {"default": {"type": "memory"}}}, "SCHEDULER_JOBSTORES"),
        ("redis", {}, None),
        ("sqlite", {}, None),
    ],
)
def test_the_memory_serves_one_process(
    make_app: MakeApp, name: str, more: dict[str, Any], setting: str | None
) -> None:
    state = STATE.get(make_app(name, **more))
    assert (state.single_process or (None,))[0] == setting


def test_several_workers_with_the_memory_are_refused(make_app: MakeApp) -> None:
    with pytest.raises(SingleProcessError, match="'SCHEDULER_LEASE' keeps data in the memory"):
        refuse_several_processes(make_app(), 2)


def test_a_trigger_object_declares_the_same_job_at_each_start() -> None:
    from quarterdeck.apscheduler.options import digest

    one, two = ({"trigger": IntervalTrigger(hours=1)} for _ in range(2))
    assert digest(functions.note, one) == digest(functions.note, two)
    assert digest(functions.note, one) != digest(functions.note, {"trigger": IntervalTrigger()})
