"""The extension: engines per app, a session per context, models per instance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy
from quart import Quart, Response, abort
from quart.signals import request_started, websocket_started
from sqlalchemy import ColumnElement, MetaData, Select, orm, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase

from quarterdeck._config import read
from quarterdeck._state import ExtensionState
from quarterdeck.exceptions import UnknownBindError

from . import engines, scope
from .after_commit import Callback
from .config import CONFIG
from .model import MYSQL_TABLE, ModelMixin, make_metadata
from .pagination import Pagination, paginate
from .pool import PoolStatus, status_of
from .query import Query
from .session import Session
from .sqlite import begin_immediate

logger = logging.getLogger("quarterdeck.sqlalchemy")

T = TypeVar("T")
M = TypeVar("M", bound=ModelMixin)


@dataclass(slots=True)
class _State:
    """What one app holds: its engines, and in tests the connections that take their place."""

    engines: engines.Engines
    commit_on_teardown: bool
    session_options: dict[str, Any]
    isolated: dict[str | None, AsyncConnection] = field(default_factory=dict)

    async def aclose(self) -> None:
        """Close all idle connections."""
        for engine in self.engines.values():
            await engine.dispose()

    def make_session(self, owner: asyncio.Task[Any] | None = None) -> Session:
        if self.isolated:
            options = self.session_options | {"join_transaction_mode": "create_savepoint"}
            return Session(self.isolated, owner=owner, **options)
        return Session(self.engines, owner=owner, **self.session_options)


class SQLAlchemy:
    """The database of an application.

    Args:
        app: Initialise for this app at once.
        model_class: The declarative base of the models; without it ``db.Model`` is made.
        engine_options: Arguments of ``create_async_engine`` for all databases; the app's
            configuration wins over them.
        session_options: Arguments of every session.
    """

    def __init__(
        self,
        app: Quart | None = None,
        *,
        model_class: type[ModelMixin] | None = None,
        engine_options: Mapping[str, Any] | None = None,
        session_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._engine_options = dict(engine_options or {})
        self._session_options = dict(session_options or {})
        self._state: ExtensionState[_State] = ExtensionState("sqlalchemy", "SQLAlchemy")
        self.Model: type[ModelMixin] = model_class or type(
            "Model", (ModelMixin, DeclarativeBase), {}
        )
        self.Model.__db__ = self
        self.metadatas: dict[str | None, MetaData] = {None: self.Model.metadata}
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration and build the engines; nothing connects yet.

        Raises:
            ConfigurationError: If a key holds a value that cannot work.
            ExtensionAlreadyInitializedError: If it was called for this app before.
        """
        self._state.refuse_second(app)
        config = read(app, CONFIG)
        if config["SQLALCHEMY_TRACK_MODIFICATIONS"]:
            logger.info(
                "'SQLALCHEMY_TRACK_MODIFICATIONS' has no effect. Listen to SQLAlchemy's session "
                "events, or use 'db.after_commit'."
            )
        state = _State(
            engines.make_engines(config, self._engine_options, app.instance_path),
            config["SQLALCHEMY_COMMIT_ON_TEARDOWN"],
            self._session_options,
        )
        self._state.attach(app, state)
        request_started.connect(scope.open_request, app)
        websocket_started.connect(scope.open_request, app)
        app.after_request(self._commit_good_request)
        app.teardown_request(scope.close_request)
        app.teardown_websocket(scope.close_request)
        app.teardown_appcontext(scope.close_context)
        app.websocket_class = scope.with_session_per_message(app.websocket_class)
        app.after_serving(state.aclose)
        app.shell_context_processor(self._shell_context)

    # --- sessions ---------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The session of the current request or app context, made when first used.

        It belongs to the task of that context and is closed, uncommitted changes rolled back,
        when the context ends; on a WebSocket, when the next message is awaited.
        """
        return scope.session(self._state.get().make_session)

    def new_session(self) -> Session:
        """Return a session of its own, for tasks and WebSocket messages::

        async with db.new_session() as session: ...
        """
        return self._state.get().make_session()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Commit the current session at the end of the block, or roll it back if it raises.

        Inside another one it is a savepoint. On SQLite it takes the write lock at once. What
        was loaded before the block stays readable after a rollback.

        Raises:
            TransactionConflictError: If another transaction stays in the way.
        """
        async with self.session.transaction() as session:
            yield session

    async def run(self, work: Callable[[Session], Awaitable[T]], *, retries: int = 3) -> T:
        """Do ``work(session)`` in a transaction, and anew after a deadlock; see ``Session.run``::

        order = await db.run(lambda session: place_order(session, ...))
        """
        return await self.session.run(work, retries=retries)

    def after_commit(self, callback: Callback) -> None:
        """Call ``callback`` once the current session has committed; see ``Session``."""
        self.session.after_commit(callback)

    async def _commit_good_request(self, response: Response) -> Response:
        session = scope.existing()
        if session is not None and self._state.get().commit_on_teardown:
            if response.status_code < 400:
                await session.commit()
            else:
                await session.rollback()
        return response

    # --- engines and schema -----------------------------------------------------

    @property
    def engine(self) -> AsyncEngine:
        """The engine of the default database."""
        return self.get_engine()

    @property
    def engines(self) -> dict[str | None, AsyncEngine]:
        """The engines of the current app by bind key; the default one under None."""
        return dict(self._state.get().engines)

    def get_engine(self, bind: str | None = None) -> AsyncEngine:
        """Return the engine of a bind key.

        Raises:
            UnknownBindError: If ``SQLALCHEMY_BINDS`` has no such key.
        """
        try:
            return self._state.get().engines[bind]
        except KeyError:
            raise UnknownBindError(str(bind)) from None

    def pool_status(self, bind: str | None = None) -> PoolStatus | None:
        """Return how busy the connections of a database are; None if its pool does not count."""
        return status_of(self.get_engine(bind).pool)

    @property
    def metadata(self) -> MetaData:
        """The tables of the default database."""
        return self.metadatas[None]

    def metadata_for(self, bind_key: str | None) -> MetaData:
        """Return the tables of a bind key."""
        return self.metadatas.setdefault(bind_key, make_metadata(bind_key))

    def Table(
        self, name: str, *columns: Any, bind_key: str | None = None, **options: Any
    ) -> sqlalchemy.Table:
        """Return a table without a model, as many-to-many relationships need."""
        return sqlalchemy.Table(
            name, self.metadata_for(bind_key), *columns, **MYSQL_TABLE | options
        )

    async def create_database(self) -> None:
        """Make every missing database: the SQLite file and its folder, the MySQL schema."""
        for engine in self._state.get().engines.values():
            await engines.create_database(engine)

    async def create_all(self) -> None:
        """Make every missing table, and the databases before."""
        await self.create_database()
        await self._run_on_all("create_all")

    async def drop_all(self) -> None:
        """Drop every table of the models."""
        await self._run_on_all("drop_all")

    async def _run_on_all(self, verb: str) -> None:
        for key, metadata in self.metadatas.items():
            async with self.get_engine(key).begin() as connection:
                await connection.run_sync(begin_immediate)  # or two processes both find no table
                await connection.run_sync(getattr(metadata, verb))

    async def dispose(self) -> None:
        """Close all idle connections; done by itself when the server or a command stops."""
        await self._state.get().aclose()

    def _shell_context(self) -> dict[str, Any]:
        base: Any = self.Model
        models = {mapper.class_.__name__: mapper.class_ for mapper in base.registry.mappers}
        return models | {"db": self}

    # --- queries ----------------------------------------------------------------

    def query(self, model: type[T]) -> Query[T]:
        """Return what ``model.query`` is."""
        return Query(select(model), model, None, db=self)

    async def get_or_404(
        self, model: type[T], identity: Any, *, description: str | None = None
    ) -> T:
        """Return the object with this primary key, or answer 404."""
        return await self.query(model).get_or_404(identity, description)

    async def first_or_404(self, statement: Select[T], *, description: str | None = None) -> T:
        """Return the first result, or answer 404."""
        found = (await self.session.scalars(statement.limit(1))).unique().first()
        return abort(404, description) if found is None else found

    async def one_or_404(self, statement: Select[T], *, description: str | None = None) -> T:
        """Return the only result; answer 404 if there is none, or more than one."""
        found = (await self.session.scalars(statement.limit(2))).unique().all()
        return found[0] if len(found) == 1 else abort(404, description)

    async def paginate(
        self,
        statement: Select[T],
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: int | None = 100,
        error_out: bool = True,
        count: bool | int = True,
        by: Sequence[ColumnElement[Any]] = (),
        after: str | None = None,
        before: str | None = None,
        session: AsyncSession | None = None,
    ) -> Pagination[T]:
        """Fetch one page.

        Args:
            statement: What to select, in a definite order.
            page: The page from 1; from the query argument ``page`` if None.
            per_page: Items per page; from the query argument ``per_page`` (else 20) if None.
            max_per_page: The most that a visitor can ask for; None for no limit.
            error_out: Answer 404 for a page that is no number or has no items (but the first).
            count: Whether to count all items, or the number up to which to count them; without
                it ``has_next`` still works.
            by: Columns to order by, all in one direction and the last of them unique, so that
                the page has cursors: ``[Order.day.desc(), Order.id.desc()]``.
            after: The cursor ``after`` of another page: begin behind it, however deep that is.
            before: The cursor ``before`` of another page: end in front of it.
            session: Another session than that of the context.
        """
        return await paginate(
            session or self.session,
            statement,
            page=page,
            per_page=per_page,
            max_per_page=max_per_page,
            error_out=error_out,
            count=count,
            by=by,
            after=after,
            before=before,
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """``db.Column``, ``db.String``, ``db.relationship`` ... as in Flask-SQLAlchemy."""
            for module in (sqlalchemy, orm):
                if not name.startswith("_") and hasattr(module, name):
                    return getattr(module, name)
            raise AttributeError(name)
