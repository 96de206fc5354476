"""The extension: engines per app, a session per context, models per instance."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

import sqlalchemy
from quart import Quart, Response, abort, current_app, has_app_context
from quart.signals import request_started, websocket_started
from sqlalchemy import GenerativeSelect, MetaData, Select, orm, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from quarterdeck.config import read
from quarterdeck.exceptions import UnknownBindError

from . import engines, record_queries, schema, scope, slow_queries
from .after_commit import Callback
from .base import make_model
from .collection import dynamic_relationship
from .config import CONFIG
from .factory import SessionFactory
from .model import MYSQL_TABLE, ModelMixin, make_metadata
from .pagination import PageOptions, Pagination
from .paging import paginate
from .pool import PoolStatus, status_of
from .query import Query
from .schema import BindKeys
from .session import Session
from .state import DatabaseState, DatabaseStates

T = TypeVar("T")
M = TypeVar("M", bound=ModelMixin)


class SQLAlchemy:
    """The database of an application.

    Args:
        app: Initialise for this app at once.
        metadata: The metadata of ``db.Model``, for example with a naming convention. A
            ``model_class`` that is a declarative base has its own.
        session_options: Arguments of every session. ``class_`` is a subclass of ``Session``,
            ``query_cls`` the same as ``query_class``.
        query_class: A subclass of ``Query`` for ``Model.query`` and ``db.session.query``.
        model_class: A declarative base, or a class to mix into ``db.Model``.
        engine_options: Arguments of ``create_async_engine`` for all databases; the app's
            configuration wins over them.
        add_models_to_shell: Whether ``shell`` knows ``db`` and the models by name.
        disable_autonaming: Whether models must name their tables themselves.
        allow_dynamic: Whether relationships may be ``lazy="dynamic"``, for models that only
            synchronous code reads: in ``run_sync``, or with ``quarterdeck.bridge``.

    Attributes:
        Model: The base of the models.
        Query: The class of their queries.
        metadatas: The tables by bind key; those of the default database under None.

    Raises:
        ModelMetadataError: If ``metadata`` is given with a base that has its own.
        SessionOptionError: If a session option cannot work here.
    """

    def __init__(
        self,
        app: Quart | None = None,
        *,
        metadata: MetaData | None = None,
        session_options: Mapping[str, Any] | None = None,
        query_class: type[Query[Any]] = Query,
        model_class: type[Any] | None = None,
        engine_options: Mapping[str, Any] | None = None,
        add_models_to_shell: bool = True,
        disable_autonaming: bool = False,
        allow_dynamic: bool = False,
    ) -> None:
        self._engine_options = dict(engine_options or {})
        self._sessions = SessionFactory.of(session_options or {})
        self._add_models_to_shell = add_models_to_shell
        self._state = DatabaseStates("sqlalchemy", "SQLAlchemy")
        self.allow_dynamic = allow_dynamic
        self.Query: type[Query[Any]] = self._sessions.query_class or query_class
        self.Model: type[ModelMixin] = make_model(model_class, metadata)
        self.Model.__db__ = self
        if disable_autonaming:
            self.Model.__autonaming__ = False
        self.metadatas: dict[str | None, MetaData] = {None: self.Model.metadata}
        if app is not None:
            self.init_app(app)

    def __repr__(self) -> str:
        """Show the databases of the current app, without passwords."""
        name = type(self).__name__
        if not has_app_context() or current_app.extensions.get("sqlalchemy") is not self:
            return f"<{name}>"
        found = self.engines
        default = found.pop(None, None)
        shown = "(No default engine)" if default is None else str(default.url)
        return f"<{name} {shown}{f' +{len(found)} engines' if found else ''}>"

    def init_app(self, app: Quart) -> None:
        """Read the configuration and build the engines; nothing connects yet.

        Raises:
            ConfigurationError: If a key holds a value that cannot work.
            ExtensionAlreadyInitializedError: If it was called for this app before.
        """
        self._state.refuse_second(app)
        config = read(app, CONFIG)
        state = DatabaseState(
            app,
            partial(self._make_engines, app),
            config["SQLALCHEMY_COMMIT_ON_TEARDOWN"],
            self._sessions,
            self.Query,
            app if config["SQLALCHEMY_TRACK_MODIFICATIONS"] else None,
        )
        self._state.attach(app, state, self)
        request_started.connect(scope.open_request, app)
        websocket_started.connect(scope.open_request, app)
        app.after_request(self._commit_good_request)
        app.teardown_request(scope.close_request)
        app.teardown_websocket(scope.close_request)
        app.teardown_appcontext(scope.close_context)
        app.websocket_class = scope.with_session_per_message(app.websocket_class)
        app.after_serving(state.aclose)
        if self._add_models_to_shell:
            app.shell_context_processor(self._shell_context)

    def _make_engines(self, app: Quart, **options: Any) -> engines.Engines:
        config = read(app, CONFIG)
        options = {**options, **self._engine_options}
        made = engines.make_engines(config, options, app.instance_path)
        for engine in made.values():
            if config["SQLALCHEMY_RECORD_QUERIES"]:
                record_queries.listen(engine.sync_engine)
            if limit := config["SQLALCHEMY_SLOW_QUERY_SECONDS"]:
                slow_queries.listen(engine.sync_engine, limit)
        return made

    # --- sessions ---------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The session of the current request or app context, made when first used.

        It belongs to the task of that context and is closed, uncommitted changes rolled back,
        when the context ends; on a WebSocket, when the next message is awaited.
        """
        return scope.session(self._state.get().make_session)

    def new_session(self) -> Session:
        """Return a session of its own.

        For tasks and WebSocket messages::

            async with db.new_session() as session: ...
        """
        return self._state.get().make_session()

    async def release(self) -> None:
        """Return the connection of the current session if it has only read; see ``Session``.

        Call it before waiting for something outside the database::

            await db.release()
            answer = await client.get(url)
        """
        await self._state.get().release_while_waiting()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Commit the current session at the end of the block, or roll it back if it raises.

        Inside another block it is a savepoint. On SQLite it takes the write lock at once.
        Objects loaded before the block stay readable after a rollback.

        Raises:
            TransactionConflictError: If another transaction stays in the way.
        """
        async with self.session.transaction() as session:
            yield session

    def run(
        self, work: Callable[[Session], Awaitable[T]], *, retries: int = 3
    ) -> Coroutine[Any, Any, T]:
        """Run ``work(session)`` in a transaction, with retries.

        See ``Session.run``. For example::

            order = await db.run(lambda session: place_order(session, ...))
        """
        return self.session.run(work, retries=retries)

    def after_commit(self, callback: Callback) -> None:
        """Call ``callback`` once the current session has committed; see ``Session``."""
        self.session.after_commit(callback)

    async def _commit_good_request(self, response: Response) -> Response:
        session = scope.existing()
        if session is None:
            return response
        session.unawaited.end(failed=response.status_code >= 500)
        if self._state.get().commit_on_teardown:
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

    def get_engine(self, bind_key: str | None = None, *, bind: str | None = None) -> AsyncEngine:
        """Return the engine of a bind key; ``bind`` is its name in Flask-SQLAlchemy 2.

        Raises:
            UnknownBindError: If ``SQLALCHEMY_BINDS`` has no such key.
        """
        key = bind_key or bind
        try:
            return self._state.get().engines[key]
        except KeyError:
            raise UnknownBindError(key) from None

    def pool_status(self, bind: str | None = None) -> PoolStatus | None:
        """Return how busy the connections of a database are; None if its pool does not count."""
        return status_of(self.get_engine(bind).pool)

    @property
    def metadata(self) -> MetaData:
        """The tables of the default database."""
        return self.metadatas[None]

    def metadata_for(self, bind_key: str | None) -> MetaData:
        """Return the tables of a bind key."""
        if bind_key not in self.metadatas:
            convention = self.metadata.naming_convention
            self.metadatas[bind_key] = make_metadata(bind_key, convention)
        return self.metadatas[bind_key]

    def Table(
        self, name: str, *columns: Any, bind_key: str | None = None, **options: Any
    ) -> sqlalchemy.Table:
        """Return a table without a model, as many-to-many relationships need.

        The first of ``columns`` may be a ``MetaData``, which is used then.
        """
        if not (columns and isinstance(columns[0], MetaData)):
            columns = (self.metadata_for(bind_key), *columns)
        return sqlalchemy.Table(name, *columns, **MYSQL_TABLE | options)

    async def create_database(self) -> None:
        """Make every missing database: the SQLite file and its folder, the MySQL schema."""
        for engine in self._state.get().engines.values():
            await engines.create_database(engine)

    async def create_all(self, bind_key: BindKeys = schema.ALL) -> None:
        """Make every missing table, and the databases before.

        Args:
            bind_key: One bind key, several, or all of them; None is the default database.

        Raises:
            UnknownBindError: If a bind key is not configured.
        """
        await self.create_database()
        await schema.run(self, "create_all", bind_key)

    async def drop_all(self, bind_key: BindKeys = schema.ALL) -> None:
        """Drop the tables of the models; see ``create_all``."""
        await self.release()  # MySQL does not drop a table that an open transaction has read
        await schema.run(self, "drop_all", bind_key)

    async def reflect(self, bind_key: BindKeys = schema.ALL) -> None:
        """Read the tables of the databases into ``metadatas``; see ``create_all``.

        It needs an app context, so models of reflected tables are declared after it.
        """
        await schema.run(self, "reflect", bind_key)

    async def dispose(self) -> None:
        """Close all idle connections; done by itself when the server or a command stops."""
        await self._state.get().aclose()

    def _shell_context(self) -> dict[str, Any]:
        base: Any = self.Model
        models = {mapper.class_.__name__: mapper.class_ for mapper in base.registry.mappers}
        return models | {"db": self}

    # --- queries ----------------------------------------------------------------

    def query(self, model: type[T]) -> Query[T]:
        """Return the query of a model, the same as ``model.query``."""
        query_class = getattr(model, "query_class", None) or self.Query
        return query_class(select(model), model, None, db=self)

    async def get_or_404(
        self, entity: type[T], ident: Any, *, description: str | None = None, **options: Any
    ) -> T:
        """Return the object with this primary key, or answer 404.

        Args:
            entity: The model.
            ident: The primary key; a tuple if it has several columns.
            description: The text of the error page.
            options: Arguments of ``session.get``, such as ``options=[joinedload(User.role)]``.
        """
        found = await self.session.get(entity, ident, **options)
        return abort(404, description) if found is None else found

    async def first_or_404(self, statement: Select[T], *, description: str | None = None) -> T:
        """Return the first result, or answer 404."""
        if isinstance(statement, GenerativeSelect):  # text() has no limit
            statement = statement.limit(1)
        found = (await self.session.scalars(statement)).unique().first()
        return abort(404, description) if found is None else found

    async def one_or_404(self, statement: Select[T], *, description: str | None = None) -> T:
        """Return the only result; answer 404 if there is none, or more than one."""
        found = (await self.session.scalars(statement)).unique().all()
        return found[0] if len(found) == 1 else abort(404, description)

    async def paginate(
        self,
        statement: Select[T],
        *,
        session: AsyncSession | None = None,
        **options: Unpack[PageOptions],
    ) -> Pagination[T]:
        """Fetch one page.

        Args:
            statement: The statement to page, in a definite order.
            session: Another session than that of the context.
            options: ``page``, ``per_page``, ``max_per_page``, ``error_out``, ``count``, ``by``,
                ``position``, ``after`` and ``before``; see ``PageOptions``.
        """
        return await paginate(session or self.session, statement, **options)

    dynamic_loader = staticmethod(dynamic_relationship)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """``db.Column``, ``db.String``, ``db.relationship`` ... as in Flask-SQLAlchemy."""
            for module in (sqlalchemy, orm):
                if not name.startswith("_") and hasattr(module, name):
                    return getattr(module, name)
            raise AttributeError(name)
