"""Notes lazy loads with their place, in Python code and in templates, and with the cure."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from time import perf_counter
from types import FrameType
from typing import Any

from greenlet import getcurrent
from sqlalchemy.orm import ORMExecuteState

from quarterdeck.bridge.wait_log import Place, note_at, place_of


def note_lazy_load(execution: ORMExecuteState) -> Any:
    """Run the statement of a lazy load, and note how long it took; leave others alone."""
    path = execution.loader_strategy_path
    if not (execution.is_relationship_load and path is not None):
        return None
    relationship: Any = path[-1]
    place = _place()
    if place is None:
        return None
    started = perf_counter()
    result = execution.invoke_statement()
    name = f"{relationship.parent.class_.__name__}.{relationship.key}"
    seconds = perf_counter() - started
    note_at("lazy load", name, place, seconds, f"selectinload({name})")
    return result


def _place() -> Place | None:
    """Return the place that reads the relationship, in the code or in a template."""
    for frame in _stack():
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(frame.f_lineno)
            return Place(template.filename or "<template>", line, "")
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("sqlalchemy.", "quarterdeck.", "jinja2.")):
            return place_of(frame)
    return None


def _stack() -> Iterator[FrameType]:
    """Yield the frames from here outwards, also those of the greenlets around this one."""
    frame = inspect.currentframe()
    greenlet: Any = getcurrent()
    while greenlet is not None:
        while frame is not None:
            yield frame
            frame = frame.f_back
        greenlet = greenlet.parent
        frame = greenlet and greenlet.gr_frame
