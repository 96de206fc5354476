"""A warning about each slow statement (``SQLALCHEMY_SLOW_QUERY_SECONDS``)."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, event

from quarterdeck._exchange import current_endpoint

from .timeouts import has_no_time_limit

#: Characters of a statement that are logged.
MAX_STATEMENT = 1000
_STARTED = "quarterdeck_slow_started"
logger = logging.getLogger("quarterdeck.sqlalchemy")


def listen(engine: Engine, limit: float) -> None:
    """Log the statements of an engine that take longer than so many seconds.

    The time is that until the database has answered. Parameters are not logged: they may be
    personal. Statements within :func:`no_time_limit` are expected to take long, and not logged.
    """

    def start(connection: Any, *_rest: object) -> None:
        connection.info[_STARTED] = perf_counter()

    def end(connection: Any, _cursor: object, statement: str, *_rest: object) -> None:
        duration = perf_counter() - connection.info[_STARTED]
        if duration >= limit and not has_no_time_limit():
            text = " ".join(statement.split())
            logger.warning(
                "Slow statement: %.3f s in %s: %s",
                duration,
                current_endpoint() or "no request",
                text if len(text) <= MAX_STATEMENT else f"{text[:MAX_STATEMENT]}...",
                extra={"duration": round(duration, 6)},
            )

    event.listen(engine, "before_cursor_execute", start)
    event.listen(engine, "after_cursor_execute", end)
