"""Two processes and one lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from quart import Quart

from quarterdeck._state import close_extensions
from quarterdeck.apscheduler import Outcome
from quarterdeck.apscheduler.config import STATE
from quarterdeck.apscheduler.coordinator import Batch, Coordinator
from quarterdeck.apscheduler.leader import Leader
from quarterdeck.exceptions import LeaseLostError

from .conftest import MakeApp
from .test_coordinators import SECONDS, held, run

pytestmark = pytest.mark.feature("SC4")

LONG = 60.0


@pytest.fixture(params=["sqlite", "mariadb", "postgresql", "redis"])
def apps(request: pytest.FixtureRequest, make_app: MakeApp) -> list[Quart]:
    first = make_app(request.param)
    kept = ("SCHEDULER_PREFIX", "SQLALCHEMY_DATABASE_URI", "SCHEDULER_REDIS")
    return [
        first,
        make_app(
            request.param, **{key: first.config[key] for key in kept if first.config.get(key)}
        ),
    ]


@pytest.fixture
async def pair(apps: list[Quart]) -> AsyncIterator[list[Coordinator]]:
    """Two processes, as far as the server can tell."""
    yield [STATE.get(app).coordinator for app in apps]
    for app in apps:
        await close_extensions(app)


async def test_only_one_holds_it_while_it_is_renewed(pair: list[Coordinator]) -> None:
    one, two = pair
    token = await held(one, "a:1:x")
    end = asyncio.get_running_loop().time() + 3 * SECONDS
    while asyncio.get_running_loop().time() < end:
        assert await two.acquire("b:1:x", SECONDS) is None
        await one.renew("a:1:x", token, SECONDS)
        await asyncio.sleep(SECONDS / 10)


async def test_a_released_lease_is_taken_at_once(pair: list[Coordinator]) -> None:
    one, two = pair
    token = await one.acquire("a:1:x", LONG)
    assert token is not None
    assert await two.acquire("b:1:x", LONG) is None

    await one.claim("a:1:x", token, [Batch([run()], 1)])
    await one.release("a:1:x", token)

    assert await two.acquire("b:1:x", LONG) == token + 1
    assert [each.outcome for each in await two.runs(None, 9)] == [Outcome.RUNNING], "it goes on"


async def test_a_frozen_holder_cannot_claim_after_it_wakes(pair: list[Coordinator]) -> None:
    frozen, successor = pair
    token = await held(frozen, "a:1:x")
    await frozen.claim("a:1:x", token, [Batch([run()], 1)])

    new = await held(successor, "b:1:x")

    assert new > token
    for late in (run(), run(minutes=1)):
        with pytest.raises(LeaseLostError):
            await frozen.claim("a:1:x", token, [Batch([late], 1)])
    with pytest.raises(LeaseLostError):
        await frozen.renew("a:1:x", token, LONG)
    await frozen.release("a:1:x", token)
    await successor.renew("b:1:x", new, LONG)
    assert await successor.claim("b:1:x", new, [Batch([run()], 9)]) == []
    (ended,) = await successor.runs(None, 9)
    assert ended.outcome is Outcome.INTERRUPTED


async def test_a_run_without_a_sign_of_life_is_interrupted(pair: list[Coordinator]) -> None:
    one, two = pair
    now = datetime.now(UTC)
    for process in ("a:1:x", "b:1:x"):
        await one.claim(process, None, [Batch([run(process, process=process)], 1)])
    await one.beat("a:1:x", now + timedelta(minutes=1))

    await two.interrupt(now + timedelta(seconds=30))

    outcomes = {each.process: each.outcome for each in await two.runs(None, 9)}
    assert outcomes == {"a:1:x": Outcome.RUNNING, "b:1:x": Outcome.INTERRUPTED}
    ended = replace(run("b:1:x", process="b:1:x"), outcome=Outcome.SUCCEEDED)
    await one.finish(ended)  # it was only slow
    assert await two.runs("b:1:x", 9) == [ended]


async def test_many_processes_claim_at_once_and_one_wins(pair: list[Coordinator]) -> None:
    for coordinator in pair:  # an index that is created amid claims is a deadlock on MariaDB
        await coordinator.runs(None, 1)
    wins = await asyncio.gather(
        *(
            coordinator.claim(name, None, [Batch([run(process=name)], 99)])
            for coordinator in pair
            for name in ("a:1:x", "b:1:x", "c:1:x", "d:1:x")
        )
    )
    assert sum(len(won) for won in wins) == 1


async def test_an_outage_has_one_traceback(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler = STATE.get(make_app("memory"))
    leader = Leader(
        "one",
        scheduler.coordinator,
        scheduler.stores,
        scheduler.runner,
        lease_seconds=LONG,
        poll_seconds=LONG,
        history_seconds=LONG,
    )
    failures = [OSError("away"), OSError("away")]

    async def prepare() -> None:
        leader.wake()  # no pause between attempts
        if failures:
            raise failures.pop()
        leader.stop()

    await leader.run(prepare)

    assert [
        record.getMessage() for record in caplog.records if record.levelno == logging.ERROR
    ] == ["Storing the declared jobs does not work: away"]
    assert caplog.text.count("Traceback") == 1
