"""Callbacks that wait for the commit, savepoints included."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.orm import SessionTransaction

logger = logging.getLogger("quarterdeck.sqlalchemy")

Callback = Callable[[], Awaitable[object] | object]


class AfterCommit:
    """The queue of one session; a rolled back savepoint takes its part of it along."""

    def __init__(self) -> None:
        self._waiting: list[Callback] = []
        self._marks: dict[SessionTransaction, int] = {}

    def add(self, callback: Callback) -> None:
        self._waiting.append(callback)

    def began(self, transaction: SessionTransaction) -> None:
        if transaction.nested:
            self._marks[transaction] = len(self._waiting)

    def rolled_back(self, transaction: SessionTransaction) -> None:
        if transaction.nested:
            del self._waiting[self._marks.pop(transaction) :]
        elif transaction.parent is None:
            self.clear()

    def clear(self) -> None:
        self._waiting.clear()
        self._marks.clear()

    async def run(self) -> None:
        """Call all that wait, also when the caller is cancelled meanwhile: it is committed."""
        callbacks = self._waiting[:]
        self.clear()
        if callbacks:
            await asyncio.shield(asyncio.create_task(_call(callbacks)))


async def _call(callbacks: list[Callback]) -> None:
    for callback in callbacks:
        try:
            result = callback()
            if inspect.isawaitable(result):
                await result
        except Exception:
            logger.exception("the 'after_commit' callback %r failed", callback)
