"""One folder of migrations and one database, without Alembic, which takes long to import."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import column, select, table
from sqlalchemy.exc import DBAPIError

from quarterdeck._missing_table import is_missing_database, is_missing_table
from quarterdeck.exceptions import (
    DatabaseTimeoutError,
    DatabaseUnavailableError,
    DatabaseUnreachableError,
)
from quarterdeck.sqlalchemy.urls import is_memory, is_sqlite

from .config import STATE


class Place:
    """Where the migrations of the current app are, and the database they change.

    Args:
        directory: The folder; by default the one that ``Migrate`` was given.
        bind: The bind key of the database. Each has its own line of scripts: ``versions/``
            of the default one, ``versions_<bind>/`` of another.
    """

    def __init__(self, directory: str | Path | None = None, bind: str | None = None) -> None:
        self.state = STATE.get()
        self.folder = Path(directory) if directory is not None else self.state.directory
        self.versions = self.folder / ("versions" if bind is None else f"versions_{bind}")
        self.engine = self.state.db.get_engine(bind)

    async def current_ids(self) -> tuple[str, ...]:
        """Return the ids of the revisions at which the database stands."""
        if await self._file_is_missing():
            return ()
        options = self.state.options
        versions = table(
            options.get("version_table", "alembic_version"),
            column("version_num"),
            schema=options.get("version_table_schema"),
        )
        try:
            with self.reachable():
                async with self.engine.connect() as connection:
                    return tuple(await connection.scalars(select(versions.c.version_num)))
        except DBAPIError as error:
            if is_missing_table(error):
                return ()
            raise
        except DatabaseUnreachableError as error:
            if error.__cause__ is not None and is_missing_database(error.__cause__):
                return ()
            raise

    async def _file_is_missing(self) -> bool:
        """Whether merely asking SQLite would make an empty file."""
        url = self.engine.url
        if not is_sqlite(url) or is_memory(url):
            return False
        return not await asyncio.to_thread(Path(str(url.database)).exists)

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Say in a sentence that the database does not answer."""
        try:
            yield
        except DBAPIError as error:
            if error.statement is not None:  # it does, and refuses a statement
                raise
            raise DatabaseUnreachableError(self._shown_url, str(error.orig)) from error
        except (DatabaseTimeoutError, DatabaseUnavailableError) as error:
            raise DatabaseUnreachableError(self._shown_url, error.reason) from error

    @property
    def _shown_url(self) -> str:
        return self.engine.url.render_as_string(hide_password=True)
