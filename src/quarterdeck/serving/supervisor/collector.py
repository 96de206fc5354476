"""Imports without the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Import an app in the block, and let the collector never look at the objects it made.

    They stay as long as the process, but each full collection looked at all of them: that took
    a fifth of the start of the CRM, to free one object in a hundred. The thresholds are set
    instead of ``gc.disable()``, so that an app may turn the collector off, or set its own.
    """
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        yield
        gc.freeze()
    finally:
        if gc.get_threshold()[0] == 0:
            gc.set_threshold(*before)
