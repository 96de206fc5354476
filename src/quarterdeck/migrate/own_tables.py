"""Tables that rooms make by themselves, such as that of the browser sessions.

A comparison of models and database would drop them, because no model stands for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from quart import Quart
from sqlalchemy import MetaData

from quarterdeck._state import own_tables

IncludeName = Callable[[str | None, str, Mapping[str, Any]], bool]  # Alembic's 'include_name'


def without_own_tables(app: Quart, metadata: MetaData, wanted: IncludeName | None) -> IncludeName:
    """Return the filter of a comparison: all but the rooms' own tables.

    Args:
        app: The app of the rooms.
        metadata: The tables of the models. One that is declared here is compared.
        wanted: The filter of the app itself, which decides about all others.
    """
    declared = {(table.schema, table.name) for table in metadata.tables.values()}
    left_alone = own_tables(app) - declared

    def include_name(name: str | None, type_: str, parents: Mapping[str, Any]) -> bool:
        if type_ == "table" and (parents.get("schema_name"), name) in left_alone:
            return False
        return wanted is None or wanted(name, type_, parents)

    return include_name
