"""The limit for the store: a process that stands still is not a store that is down."""

from __future__ import annotations

import asyncio
import time

import pytest

from quarterdeck.session.limits import RunningTimeout

SECONDS = 0.2


def stand_still() -> None:
    end = time.monotonic() + 2 * SECONDS
    while time.monotonic() < end:
        pass


@pytest.mark.feature("S2")
async def test_a_pause_of_the_process_does_not_count() -> None:
    loop = asyncio.get_running_loop()
    answer = loop.create_future()
    async with RunningTimeout(SECONDS):
        loop.call_soon(stand_still)
        loop.call_later(SECONDS / 2, answer.set_result, "row")
        assert await answer == "row"


@pytest.mark.feature("S2")
async def test_a_store_that_does_not_answer_runs_out_of_time() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(TimeoutError):
        async with RunningTimeout(SECONDS):
            await loop.create_future()
    assert loop.time() - began >= SECONDS
    with pytest.raises(ZeroDivisionError):
        async with RunningTimeout(SECONDS):
            raise ZeroDivisionError
