"""The garbage collector while an app is imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from quarterdeck.serving.supervisor.collector import collector_paused


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_an_import_is_not_collected_and_stays_out_of_later_collections() -> None:
    before = gc.get_threshold()
    with collector_paused():
        collected = sum(each["collections"] for each in gc.get_stats())
        kept = [[number] for number in range(100_000)]
        assert sum(each["collections"] for each in gc.get_stats()) == collected

    assert gc.get_freeze_count() > len(kept)
    assert gc.get_threshold() == before


def test_an_app_may_set_the_collector_itself() -> None:
    with collector_paused():
        gc.set_threshold(5000, 20, 20)

    assert gc.get_threshold() == (5000, 20, 20)


def test_a_failed_import_leaves_the_collector_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(ImportError), collector_paused():
        raise ImportError

    assert gc.get_threshold() == before
