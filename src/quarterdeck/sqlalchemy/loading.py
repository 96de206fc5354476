"""A lazy load cannot happen in async code: say so before it is tried, with the cure."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy.orm import InstanceState, ORMExecuteState, RelationshipProperty
from sqlalchemy.util.concurrency import in_greenlet

from quarterdeck.exceptions import ColumnNotLoadedError, RelationshipNotLoadedError


def refuse_lazy_load(execution: ORMExecuteState) -> None:
    """Raise if an attribute is about to be loaded outside of any ``await``.

    Raises:
        RelationshipNotLoadedError: For a relationship.
        ColumnNotLoadedError: For deferred or expired columns.
    """
    if in_greenlet():
        return
    path = execution.loader_strategy_path
    if execution.is_relationship_load and path is not None:
        relationship = cast("RelationshipProperty[Any]", path[-1])
        raise RelationshipNotLoadedError(relationship.parent.class_.__name__, relationship.key)
    if execution.is_column_load:
        state = _refreshed(execution)
        columns = state.unloaded.intersection(state.mapper.column_attrs.keys())
        raise ColumnNotLoadedError(state.class_.__name__, sorted(columns))


def _refreshed(execution: ORMExecuteState) -> InstanceState[Any]:
    state: InstanceState[Any] = execution.load_options._refresh_state  # type: ignore[assignment]  # declared as None only
    return state
