"""The statements of a request, with the time that each took (``SQLALCHEMY_RECORD_QUERIES``)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from types import FrameType
from typing import Any

from greenlet import getcurrent
from quart import current_app, g, has_app_context
from sqlalchemy import Engine, event

_RECORDED = "_quarterdeck_recorded_queries"
_STARTED = "quarterdeck_started"


@dataclass(frozen=True, slots=True)
class QueryInfo:
    """A statement that was executed.

    Attributes:
        statement: The SQL text, with placeholders.
        parameters: Their values.
        start_time: When it was sent, by ``time.perf_counter``.
        end_time: When the answer had come.
        location: The file, the line and the function of the app that ran it.
    """

    statement: str
    parameters: Any
    start_time: float
    end_time: float
    location: str

    @property
    def duration(self) -> float:
        """The seconds between both times."""
        return self.end_time - self.start_time


def get_recorded_queries() -> list[QueryInfo]:
    """Return the statements of the current request or app context, the oldest first."""
    return list(g.get(_RECORDED, ()))


def listen(engine: Engine) -> None:
    """Record the statements of an engine."""
    event.listen(engine, "before_cursor_execute", _start)
    event.listen(engine, "after_cursor_execute", _end)


def _start(connection: Any, *_rest: object) -> None:
    connection.info[_STARTED] = perf_counter()


def _end(connection: Any, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
    if not has_app_context():
        return
    if _RECORDED not in g:
        setattr(g, _RECORDED, [])
    started = connection.info[_STARTED]
    info = QueryInfo(statement, parameters, started, perf_counter(), _location())
    getattr(g, _RECORDED).append(info)


def _location() -> str:
    """Return the place in the app that runs the statement."""
    package = current_app.import_name.partition(".")[0]
    for frame in stack():
        name = frame.f_globals.get("__name__", "")
        if name == package or name.startswith(f"{package}."):
            return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
    return "<unknown>"


def stack() -> Iterator[FrameType]:
    """Yield the frames from here outwards, those that wait for SQLAlchemy's greenlet too."""
    frame = inspect.currentframe()
    greenlet: Any = getcurrent()
    while greenlet is not None:
        while frame is not None:
            yield frame
            frame = frame.f_back
        greenlet = greenlet.parent
        frame = greenlet and greenlet.gr_frame
