"""Snapshots of loaded objects, because a rollback expires them all."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState, Mapper, Session
from sqlalchemy.orm.attributes import set_committed_value


class Snapshot:
    """The objects that were loaded and unchanged when a transaction block began.

    A view that shows a form again after a failed block still reads ``current_user`` and
    the like; only the objects that the block loaded have to be reloaded.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._values = [
            (instance, _loaded(inspect(instance))) for instance in session.identity_map.values()
        ]

    def restore(self) -> None:
        for instance, values in self._values:
            if instance in self._session:
                for key, value in values.items():
                    set_committed_value(instance, key, value)


def _loaded(state: InstanceState[Any]) -> dict[str, Any]:
    if state.modified:
        return {}
    values, names = state.dict, _kept(state.mapper)
    return {name: values[name] for name in values if name in names}


@lru_cache(maxsize=1024)
def _kept(mapper: Mapper[Any]) -> frozenset[str]:
    """Return the attributes to keep; a write-only collection holds nothing."""
    return frozenset(
        attribute.key
        for attribute in mapper.attrs
        if getattr(attribute, "lazy", None) != "write_only"
    )
