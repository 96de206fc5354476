"""The garbage collector and the memory of a process that imports an app."""

from __future__ import annotations

import gc
import platform
import sys
from collections.abc import Iterator

import pytest

from quarterdeck.serving.supervisor.collector import collector_paused
from quarterdeck.serving.supervisor.settle import settle
from quarterdeck.serving.supervisor.worker import resident_memory


class Reader:
    """Has no attributes."""


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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc returns free memory")
def test_free_memory_is_returned_before_the_fork() -> None:
    pieces = [bytes(1000) for _ in range(50_000)]
    last = bytes(1000)  # the end of the heap stays in use
    pieces.clear()
    before = resident_memory()

    settle()

    assert resident_memory() < before - 20_000_000
    assert last


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="names have no count of references")
def test_the_cache_of_attributes_is_empty_before_the_fork() -> None:
    name = sys.intern("an_attribute_that_is_read_here_only")
    before = sys.getrefcount(name)
    assert not hasattr(Reader(), name)
    assert sys.getrefcount(name) == before + 1

    settle()

    assert sys.getrefcount(name) == before
