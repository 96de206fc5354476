"""Signals as bytes in a pipe, for a loop that waits for files."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def signals_in_pipe(names: Iterable[signal.Signals]) -> Iterator[int]:
    """Give the end of a pipe from which each signal is read as one byte, its number."""
    waking, woken = os.pipe()
    os.set_blocking(waking, False)
    os.set_blocking(woken, False)
    before = {name: signal.signal(name, lambda *_: None) for name in names}
    previous = signal.set_wakeup_fd(woken)
    try:
        yield waking
    finally:
        signal.set_wakeup_fd(previous)
        for name, handler in before.items():
            signal.signal(name, handler)
        os.close(waking)
        os.close(woken)
