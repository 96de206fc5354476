"""Rows that name a row which is deleted: they lose the reference, and get a new version.

The foreign keys empty the reference, but know nothing of versions. Without a new one an ETag
would stand for two states, and an edit that is under way would not notice the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Table, event, update
from sqlalchemy.orm import Mapper

from quarterdeck_crm.extensions import Model

from .columns import utc_now


@event.listens_for(Model, "before_delete", propagate=True)
def _let_go(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    for column in _emptied(mapper.local_table):
        table = column.table
        values = {column: None, table.c.version: table.c.version + 1}
        named = update(table).where(column == row.id)
        connection.execute(named.values(values | {table.c.updated_at: utc_now()}))


@cache
def _emptied(target: Table) -> Sequence[Column[Any]]:
    """Return the columns of other tables with versions that a deletion empties."""
    return [
        column
        for table in Model.metadata.sorted_tables
        if table is not target and {"version", "updated_at"} <= set(table.columns.keys())
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table is target and key.ondelete == "SET NULL"
    ]
