"""Finds code that holds up the event loop, in development.

A thread asks the event loop again and again whether it still answers. If it does not, the stack
of its thread shows the code that is in the way, whether it sleeps, waits for a server or hashes
a password.
"""

from __future__ import annotations

import asyncio
import linecache
import logging
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from .wait_log import Place, note_at, place_of

logger = logging.getLogger("quarterdeck.bridge")

CURE = "bridge.in_thread(function), or BRIDGE_THREADED_VIEWS"

_NOT_OF_THE_APP = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_watchdogs: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watchdog] = WeakKeyDictionary()
_logged: set[tuple[str, int]] = set()


@contextmanager
def watch(app: Any) -> Iterator[None]:
    """Find blocking calls while the block runs, if the app is in debug mode."""
    limit = app.config["BRIDGE_BLOCKING_SECONDS"] if app.debug else 0
    if not limit:
        yield
        return
    loop = asyncio.get_running_loop()
    watchdog = _watchdogs.get(loop)
    if watchdog is None:
        watchdog = _watchdogs[loop] = _Watchdog(loop, limit)
    with watchdog.active():
        yield


class _Watchdog:
    """A thread that watches the event loop of another one while requests are handled."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: float) -> None:
        self._loop = loop
        self._limit = limit
        self._watched = threading.get_ident()
        self._requests = 0
        self._is_busy = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def active(self) -> Iterator[None]:
        self._requests += 1
        self._is_busy.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, daemon=True, name="blocking calls")
            self._thread.start()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._is_busy.clear()

    def _watch(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            while True:
                if not self._is_busy.wait(timeout=1.0):
                    if self._loop.is_closed():
                        return
                    continue
                self._ask()

    def _ask(self) -> None:
        """Ask the loop for a sign of life; note the code that delays it."""
        alive, started = threading.Event(), perf_counter()
        self._loop.call_soon_threadsafe(alive.set)
        if alive.wait(self._limit):
            threading.Event().wait(self._limit / 4)
            return
        frame = sys._current_frames().get(self._watched)
        found = None if frame is None else _place(frame)
        del frame
        while not alive.wait(timeout=1.0):
            if self._loop.is_closed():
                return
        if found is not None:
            _report(*found, perf_counter() - started)


def _place(innermost: FrameType) -> tuple[str, Place] | None:
    """Return the call that blocks, and the place of the app that has made it."""
    frame: FrameType | None = innermost
    called: FrameType | None = None
    while frame is not None:
        if _is_of_app(frame):
            code = frame.f_code
            line = linecache.getline(code.co_filename, frame.f_lineno).strip()
            what = line if called is None else _name(called)
            return what, place_of(frame)
        called, frame = frame, frame.f_back
    return None


def _is_of_app(frame: FrameType) -> bool:
    if frame.f_globals.get("__name__", "").startswith("quarterdeck."):
        return False
    return not frame.f_code.co_filename.startswith((*_NOT_OF_THE_APP, "<"))


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}"


def _report(what: str, place: Place, seconds: float) -> None:
    note_at("blocking", what, place, seconds, CURE)
    if (place.file, place.line) not in _logged:
        _logged.add((place.file, place.line))
        logger.warning(
            "'%s' at %s:%d held up all requests for %.2f s. Run it in a thread: %s.",
            what, place.file, place.line, seconds, CURE,
        )  # fmt: skip
