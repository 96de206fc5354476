"""One folder of migrations and one database: where Alembic's commands are run."""

from __future__ import annotations

import argparse
import asyncio
import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import util
from alembic.config import Config
from alembic.runtime.migration import MigrationInfo
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import MultipleHeads, ResolutionError
from quart import current_app

from quarterdeck._quart import unwrap
from quarterdeck.exceptions import (
    MigrationError,
    MigrationsFolderError,
    MigrationsPendingError,
    MultipleHeadsError,
    RevisionNotFoundError,
    SchemaDriftError,
)
from quarterdeck.sqlalchemy.engines import create_database
from quarterdeck.sqlalchemy.timeouts import no_time_limit

from .bridge import Use, in_thread
from .environment import ATTRIBUTE, MigrationRun
from .locks import exclusive
from .own_tables import without_own_tables
from .place import Place
from .rendering import describe
from .revisions import Applied, Progress, Revision

T = TypeVar("T")


class Workspace(Place):
    """The migrations of the current app for one of its databases.

    Args:
        directory: The folder; by default the one that ``Migrate`` was given.
        bind: The bind key of the database. Each has its own line of scripts: ``versions/``
            of the default one, ``versions_<bind>/`` of another.
        x_arg: Arguments for the scripts, each ``name`` or ``name=value``, which they read with
            ``context.get_x_argument()``.
    """

    def __init__(
        self,
        directory: str | Path | None = None,
        bind: str | None = None,
        x_arg: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(directory, bind)
        self._arguments = [x_arg] if isinstance(x_arg, str) else list(x_arg or ())
        self._metadata = self.state.db.metadata_for(bind)
        wanted = self.state.options.get("include_name")
        include_name = without_own_tables(unwrap(current_app), self._metadata, wanted)
        self._options = self.state.options | {"include_name": include_name}

    async def call(
        self,
        work: Callable[[Config], T],
        *,
        lock: bool = False,
        progress: Progress | None = None,
    ) -> T:
        """Run one of Alembic's commands in its thread and return its result.

        Args:
            work: Calls the command with the configuration it is given.
            lock: Whether other processes have to wait, and the database is made.
            progress: Told of each script after it ran, before it is committed.
        """

        async def lend(use: Use) -> None:
            async with self.engine.connect() as connection:
                await connection.run_sync(use)

        def in_alembic(online: Callable[[Use], None]) -> T:
            config = self._config()
            config.attributes[ATTRIBUTE] = MigrationRun(
                self.engine.sync_engine,
                self._metadata,
                self._options,
                _reporter(progress),
                online,
            )
            with _typed_errors():
                return work(config)

        await asyncio.to_thread(self._prepare)
        async with AsyncExitStack() as stack:
            stack.enter_context(self.reachable())
            stack.enter_context(no_time_limit())
            if lock:
                seconds = self.state.lock_seconds
                await stack.enter_async_context(exclusive(self.engine, seconds))
            return await in_thread(in_alembic, lend)

    async def scripts(self, read: Callable[[ScriptDirectory], Iterator[Script]]) -> list[Revision]:
        """Return what ``read`` finds in the folder."""

        def work(config: Config) -> list[Revision]:
            return [Revision.of(script) for script in read(ScriptDirectory.from_config(config))]

        return await self.call(work)

    async def create_database(self) -> None:
        """Make the database if it is missing."""
        with self.reachable():
            await create_database(self.engine)

    async def refuse_pending(self) -> None:
        """Raise MigrationsPendingError unless the database stands at the heads."""
        heads = await self.call(lambda config: ScriptDirectory.from_config(config).get_heads())
        current = await self.current_ids()
        if set(heads) != set(current):
            raise MigrationsPendingError(sorted(current), heads)

    def _prepare(self) -> None:
        if not (self.folder / "env.py").is_file():
            folder = self.folder.absolute()
            problem = "has no migrations" if folder.is_dir() else "does not exist"
            remedy = (
                "Go to the folder of the app, name its migrations with '--directory FOLDER', "
                "or run 'db init' if it has none yet."
            )
            raise MigrationsFolderError(str(folder), problem, remedy)
        self.versions.mkdir(exist_ok=True)

    def _config(self) -> Config:
        options = argparse.Namespace(quiet=True, x=self._arguments)
        config = Config(stdout=io.StringIO(), cmd_opts=options)
        entries = {
            "script_location": str(self.folder),
            "version_locations": str(self.versions),
            "path_separator": "newline",
        }
        for name, value in entries.items():
            config.set_main_option(name, value.replace("%", "%%"))
        for configure in self.state.configure:
            config = configure(config)
        return config


def _reporter(progress: Progress | None) -> Callable[..., None]:
    started = time.monotonic()

    def report(*, step: MigrationInfo, **_details: Any) -> None:
        nonlocal started
        now = time.monotonic()
        script = step.up_revision
        if progress is not None and step.is_migration and isinstance(script, Script):
            progress(Applied(Revision.of(script), step.is_upgrade, now - started))
        started = now

    return report


@contextmanager
def _typed_errors() -> Iterator[None]:
    """Raise Alembic's complaints as errors of our own."""
    try:
        yield
    except util.AutogenerateDiffsDetected as error:
        raise SchemaDriftError([describe(one) for one in error.diffs]) from None
    except util.CommandError as error:
        cause = error.__cause__
        if isinstance(cause, MultipleHeads):
            raise MultipleHeadsError(sorted(cause.heads)) from error
        if isinstance(cause, ResolutionError):
            raise RevisionNotFoundError(str(error)) from error
        raise MigrationError(str(error)) from error
