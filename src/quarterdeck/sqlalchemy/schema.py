"""Making, dropping and reading the tables of all databases, or of some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, MetaData

from .sqlite import begin_immediate

if TYPE_CHECKING:
    from .extension import SQLAlchemy

BindKeys = str | None | Sequence[str | None]
ALL = "__all__"


async def run(
    db: SQLAlchemy, verb: Literal["create_all", "drop_all", "reflect"], keys: BindKeys
) -> None:
    """Call a method of the metadata of each bind key.

    Raises:
        UnknownBindError: If a bind key is not configured.
    """
    for key, metadata in _chosen(db, keys).items():
        async with db.get_engine(key).begin() as connection:
            if verb != "reflect":  # or two processes both find no table
                await connection.run_sync(_begin_creating)
            await connection.run_sync(getattr(metadata, verb))


def _begin_creating(connection: Connection) -> None:
    """Let other processes that make tables wait, on SQLite and PostgreSQL."""
    if connection.dialect.name == "postgresql":
        from .postgresql import begin_creating

        begin_creating(connection)
    else:
        begin_immediate(connection)


def _chosen(db: SQLAlchemy, keys: BindKeys) -> dict[str | None, MetaData]:
    if keys == ALL:
        # An app may have databases by bind key only.
        known = db.engines
        return {k: found for k, found in db.metadatas.items() if k in known or found.tables}
    some = [keys] if keys is None or isinstance(keys, str) else keys
    return {key: db.metadata_for(key) for key in some}
