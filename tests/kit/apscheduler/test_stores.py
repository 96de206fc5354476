"""One contract for all job stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quarterdeck.apscheduler import Job, JobStore
from quarterdeck.apscheduler.options import make_job
from quarterdeck.exceptions import JobNotWritableError

from . import functions

pytestmark = pytest.mark.feature("SC3")

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def job(id: str = "paint", *, due: datetime | None = NOON, **options: Any) -> Job:
    given = {"trigger": "interval", "hours": 1, "start_date": NOON, **options}
    return replace(make_job(id, functions.note, given, UTC), next_run_time=due)


async def test_a_job_comes_back_as_it_was(store: JobStore) -> None:
    new = job(args=[1, "zwei"], kwargs={"deck": None}, name="Paint the deck", retries=2)
    assert await store.create(new)

    found = await store.get("paint")

    assert found is not None
    assert found.func is functions.note
    assert (found.args, found.kwargs) == ((1, "zwei"), {"deck": None})
    assert (found.name, found.retries, found.next_run_time) == ("Paint the deck", 2, NOON)
    assert found.trigger.get_next_fire_time(NOON, NOON) == NOON + timedelta(hours=1)
    assert [each.document() for each in await store.all()] == [new.document()]


async def test_an_id_is_there_once_and_case_counts(store: JobStore) -> None:
    assert await store.create(job("paint"))
    assert not await store.create(job("paint"))
    assert await store.create(job("Paint"))
    assert await store.get("PAINT") is None


async def test_a_job_that_was_changed_meanwhile_is_not_overwritten(store: JobStore) -> None:
    await store.create(job())
    old = await store.get("paint")
    assert old is not None

    assert await store.replace(replace(old, name="First"))
    assert not await store.replace(replace(old, name="Second"))
    await store.advance([replace(old, next_run_time=NOON + timedelta(days=1))])
    assert not await store.delete(old)

    found = await store.get("paint")
    assert found is not None
    assert (found.name, found.next_run_time) == ("First", NOON)
    assert await store.delete(found)
    assert await store.get("paint") is None


async def test_what_is_due_comes_first_and_what_is_paused_never(store: JobStore) -> None:
    for number, due in enumerate([2, 0, 1]):
        await store.create(job(f"job {number}", due=NOON + timedelta(minutes=due)))
    await store.create(job("paused", due=None))

    found = [each.id for each in await store.due(NOON + timedelta(minutes=1), 10)]

    assert found == ["job 1", "job 2"]
    assert [each.id for each in await store.due(NOON + timedelta(hours=1), 1)] == ["job 1"]
    assert await store.next_run_time() == NOON


async def test_jobs_go_on_to_their_next_time_or_away(store: JobStore) -> None:
    for each in ("once", "again"):
        await store.create(job(each))
    found = {each.id: each for each in await store.due(NOON, 10)}

    later = NOON + timedelta(hours=1, microseconds=1)
    await store.advance(
        [
            replace(found["once"], next_run_time=None),
            replace(found["again"], next_run_time=later),
        ]
    )

    assert [each.id for each in await store.all()] == ["again"]
    assert await store.next_run_time() == later


async def test_a_store_without_jobs(store: JobStore) -> None:
    assert await store.all() == []
    assert await store.due(NOON, 10) == []
    assert await store.next_run_time() is None
    assert await store.get("paint") is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"args": [object()]}, "'args' is no JSON"),
        ({"args": [(1, 2)]}, "'args' would come back as [[1, 2]]"),
        ({"kwargs": {"deck": {1: 2}}}, "'kwargs' would come back as"),
        ({"args": [float("nan")]}, "'args' is no JSON"),
    ],
)
def test_what_is_no_json_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(JobNotWritableError) as error:
        job(**options).document()
    assert problem in str(error.value)


def test_functions_without_a_name_are_refused() -> None:
    with pytest.raises(JobNotWritableError, match="is not reached as 'module:name'"):
        make_job("paint", lambda: None, {}, UTC).document()
