"""The state of a database for one app: its engines, and the options of its sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy
from quart import Quart
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from quarterdeck._measurements import Measurement
from quarterdeck._state import ExtensionState, SingleProcess
from quarterdeck.exceptions import ContextEndedError

from . import scope
from .checks import RULES
from .driver import join_stopped
from .engines import Engines
from .factory import SessionFactory
from .pool import status_of
from .query import Query
from .session import Session
from .track_modifications import Tracker
from .urls import is_memory, is_sqlite


@dataclass(slots=True)
class DatabaseState:
    """The state of one app."""

    rules = RULES  # of 'quarterdeck check'

    app: Quart
    make_engines: Callable[[], Engines]
    commit_on_teardown: bool
    sessions: SessionFactory
    query_class: type[Query[Any]]
    tracked_app: Quart | None
    engines: Engines = field(default_factory=dict)
    replaced: list[AsyncEngine] = field(default_factory=list)
    uris: object = None

    def __post_init__(self) -> None:
        self.uris, self.engines = self._configured_uris(), self.make_engines()

    def follow_configuration(self) -> None:
        """In a test that has changed the URIs since, replace the engines by new ones."""
        if self.app.testing and self._configured_uris() != self.uris:
            self.replaced.extend(self.engines.values())
            self.__post_init__()

    def _configured_uris(self) -> object:
        config = self.app.config
        binds = config.get("SQLALCHEMY_BINDS")
        return config.get("SQLALCHEMY_DATABASE_URI"), repr(binds)

    @property
    def single_process(self) -> SingleProcess | None:
        """Why several processes cannot serve the app."""
        if not any(is_memory(engine.url) for engine in self.engines.values()):
            return None
        return "SQLALCHEMY_DATABASE_URI", "Name a file or a server"

    async def aclose(self) -> None:
        """Close all idle connections."""
        await scope.wait_until_closed()
        for engine in (*self.replaced, *self.engines.values()):
            await engine.dispose()
        self.replaced.clear()
        await join_stopped()

    async def leave_loop(self) -> None:
        """Close idle connections to servers, which belong to an event loop, before it closes."""
        for engine in self.engines.values():
            if not is_sqlite(engine.url):
                await engine.dispose()

    async def release_while_waiting(self) -> None:
        """Return the connection of the current session, if it has only read."""
        try:
            session = scope.existing()
        except ContextEndedError:
            return  # a task that outlived its context has no session
        if session is not None:
            await session.release()

    @property
    def traced_engines(self) -> list[sqlalchemy.Engine]:
        """The synchronous engines, for traces of their statements."""
        return [engine.sync_engine for engine in self.engines.values()]

    def health_checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return a check of each database by name: ``database``, ``database:BIND``."""
        return {
            "database" if bind is None else f"database:{bind}": partial(_ping, engine)
            for bind, engine in self.engines.items()
        }

    def measurements(self) -> Iterator[Measurement]:
        """Yield the connections of the default database, for the metrics."""
        engine = self.engines.get(None)
        status = None if engine is None else status_of(engine.sync_engine.pool)
        if status is None:
            return
        name, about = "database_connections", "Open connections to the database."
        yield Measurement(name, about, status.checked_out, {"state": "checked_out"})
        yield Measurement(name, about, status.idle, {"state": "idle"})
        yield Measurement("database_waiting", "Tasks that wait for a connection.", status.waiting)
        if status.limit is not None:
            about = "The most connections there may be."
            yield Measurement("database_connections_limit", about, status.limit)

    def make_session(self, owner: asyncio.Task[Any] | None = None) -> Session:
        make = self.sessions.session_class
        options = {**self.sessions.options, "query_class": self.query_class}
        if self.tracked_app is not None:
            options["tracker"] = Tracker(self.tracked_app)
        return make(self.engines, owner=owner, **options)


async def _ping(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(select(1))


class DatabaseStates(ExtensionState[DatabaseState]):
    """The states of an extension; with TESTING their engines follow the configuration."""

    def get(self, app: Quart | None = None) -> DatabaseState:
        """Return the state of ``app``, or of the current app."""
        state = super().get(app)
        state.follow_configuration()
        return state
