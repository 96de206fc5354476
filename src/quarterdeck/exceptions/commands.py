"""Errors of `quarterdeck.commands`."""

from __future__ import annotations

from .base import QuarterdeckError


class CommandInLoopError(QuarterdeckError, RuntimeError):
    """A command that needs its own event loop was started while one is running."""

    def __init__(self, command: str) -> None:
        super().__init__(
            f"'{command}' is a command with an event loop of its own and was started inside a "
            f"running one. Start it in a thread: 'await asyncio.to_thread(runner.invoke, ...)'."
        )
