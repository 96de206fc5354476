"""Notes lazy loads with their place, in Python code and in templates, and with the cure."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from sqlalchemy.orm import ORMExecuteState

from quarterdeck.bridge.wait_log import Place, note_at, place_of
from quarterdeck.sqlalchemy.record_queries import stack


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
    for frame in stack():
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(frame.f_lineno)
            return Place(template.filename or "<template>", line, "")
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("sqlalchemy.", "quarterdeck.", "jinja2.")):
            return place_of(frame)
    return None
