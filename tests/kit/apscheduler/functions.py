"""Functions that the tests schedule, and the record of their calls."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

from quart import current_app

calls: list[Any] = []


async def note(*args: Any, **kwargs: Any) -> str:
    """Record the app, the arguments and the thread of a call."""
    calls.append((current_app.name, args, kwargs, threading.current_thread().name))
    return "noted"


def note_plainly(*args: Any) -> str:
    """Do the same as a plain function."""
    calls.append((current_app.name, args, {}, threading.current_thread().name))
    return "noted"


async def fail() -> None:
    """Fail each time."""
    calls.append("fail")
    raise ValueError("out of paper")


def cancel() -> None:
    """Raise what a plain function gets from an ``asyncio.run`` that was cancelled."""
    raise asyncio.CancelledError


def leave() -> None:
    """End the program, as a script would."""
    sys.exit("out of paper")


def stop() -> None:
    """Raise what a future cannot hold."""
    next(iter(()))


async def fail_once() -> str:
    """Fail the first time."""
    calls.append("fail once")
    if len(calls) == 1:
        raise ValueError("out of paper")
    return "printed"
