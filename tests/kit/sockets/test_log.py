"""The log: what a client missed, exactly once and in order, or the truth that it is not known."""

from __future__ import annotations

import asyncio

import pytest

from quarterdeck.sockets import Event
from quarterdeck.sockets.event import IdGenerator, parse_id
from quarterdeck.sockets.log import Log


def event(number: int, room: str = "a") -> Event:
    return Event(room, f"1000-{number}", "n", number)


@pytest.fixture
def log() -> Log:
    """Five of seven events, of two rooms in turn."""
    log = Log(5)
    log.reset("1000-0")
    for number in range(1, 8):
        log.append(event(number, "ab"[number % 2]))
    return log


@pytest.mark.parametrize(
    ("since", "missed"),
    [
        ("1000-7", []),
        ("1000-6", []),
        ("1000-5", [6]),
        ("1000-3", [4, 6]),
        ("1000-2", [4, 6]),  # the last one that is gone: all after it is there
        ("1000-1", None),
        ("1000-0", None),
        ("1000-8", None),  # from another log
        ("999-9", None),
        ("2000-0", None),
    ],
)
def test_what_was_missed(log: Log, since: str, missed: list[int] | None) -> None:
    found = log.since("a", parse_id(since))
    assert missed == (None if found is None else [each.data for each in found])


def test_a_full_log_forgets_one_for_one(log: Log) -> None:
    assert len(log) == 5
    log.append(event(8))
    assert log.since("a", (1000, 2)) is None
    assert log.since("a", (1000, 3)) is not None


def test_an_event_that_comes_again_is_no_event(log: Log) -> None:
    assert not log.append(event(7))
    assert not log.append(event(3))
    assert len(log) == 5


def test_an_empty_log_knows_where_it_begins() -> None:
    log = Log(5)
    log.reset("1000-5")
    assert log.since("a", (1000, 5)) == []
    assert log.since("a", (1000, 4)) is None
    log.append(event(6))
    log.reset("1000-9")
    assert log.since("a", (1000, 6)) is None
    assert log.since("a", (1000, 9)) == []


async def test_reach_waits_for_a_process_that_is_behind(log: Log) -> None:
    waiting = asyncio.create_task(log.wait_for((1000, 9), 5))
    await asyncio.sleep(0)
    log.append(event(8))
    await asyncio.sleep(0)
    assert not waiting.done()
    log.append(event(9))
    await asyncio.wait_for(waiting, 30)


async def test_reach_does_not_wait_for_ever(log: Log) -> None:
    await log.wait_for((9999, 0), 0.01)
    assert log.since("a", (9999, 0)) is None


def test_ids_only_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the clock is set back, and within a millisecond."""
    clock = iter([5, 5, 3, 6, 1])
    monkeypatch.setattr("time.time_ns", lambda: next(clock) * 1_000_000)
    ids = IdGenerator()
    assert [ids.next() for _ in range(5)] == ["5-0", "5-1", "5-2", "6-0", "6-1"]


@pytest.mark.parametrize(
    "text", ["", "1", "1-", "-1", "a-1", "1-1-1", "1-²", " 1-1", "1" * 60 + "-1", "-1--1"]
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="is not an event id"):
        parse_id(text)


def test_an_event_is_encoded_once() -> None:
    sent = event(1)
    assert sent.frame is sent.frame
    assert sent.frame == '{"type":"event","room":"a","id":"1000-1","name":"n","data":1}'
