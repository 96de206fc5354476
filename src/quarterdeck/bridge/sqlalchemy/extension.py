"""``SQLAlchemy`` with the synchronous face of Flask-SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

import sqlalchemy
from quart import abort, current_app, has_app_context
from sqlalchemy import MetaData, event, orm
from sqlalchemy.engine import make_url
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.pool import StaticPool

from quarterdeck._quart import unwrap
from quarterdeck.bridge.colours import coloured, is_async_caller, is_kit_caller
from quarterdeck.bridge.config import leave_out_none
from quarterdeck.sqlalchemy import ModelMixin
from quarterdeck.sqlalchemy import SQLAlchemy as KitSQLAlchemy
from quarterdeck.sqlalchemy.config import CONFIG
from quarterdeck.sqlalchemy.naming import is_declarative
from quarterdeck.sqlalchemy.schema import ALL
from quarterdeck.sqlalchemy.urls import is_memory

from .pages import Pagination, page_of
from .query import Query, dynamic_class
from .session import PlainSession, ScopedSession, Session

__all__ = ["Model", "SQLAlchemy"]

T = TypeVar("T", bound=Any)


class _QueryProperty:
    def __get__(self, instance: object, owner: Any) -> Query[Any]:
        db = owner.__db__
        query_class = getattr(owner, "query_class", None) or db.Query
        return cast("Query[Any]", query_class(owner, session=db.session()))


class Model(ModelMixin):
    """The base of the models; ``Model.query`` is a query of Flask-SQLAlchemy."""

    query: ClassVar[Any] = _QueryProperty()

    def __repr__(self) -> str:
        state = sqlalchemy.inspect(self)
        if state.transient:
            return f"<{type(self).__name__} (transient {id(self)})>"
        if state.pending:
            return f"<{type(self).__name__} (pending {id(self)})>"
        return f"<{type(self).__name__} {', '.join(map(str, state.identity or ()))}>"


class SQLAlchemy(KitSQLAlchemy):
    """The database of an application, for code that is not async, or not yet.

    Takes the arguments of both versions of Flask-SQLAlchemy. An app that is given to the
    constructor is also used outside of an app context, as in version 2. ``lazy="dynamic"`` and
    lazy loads work, because the code that reads them runs in a greenlet.
    """

    def __init__(
        self,
        app: Any = None,
        *,
        metadata: MetaData | None = None,
        session_options: Mapping[str, Any] | None = None,
        query_class: Any = Query,
        model_class: Any = None,
        engine_options: Mapping[str, Any] | None = None,
        add_models_to_shell: bool = True,
        disable_autonaming: bool = False,
        use_native_unicode: object = None,
    ) -> None:
        own, expires = _session_options(session_options or {}, query_class)
        members = {"expires": expires, "query_class": own["query_cls"]}
        self._plain_class = type("PlainSession", (PlainSession,), members)
        session_class = type("Session", (Session,), {"sync_session_class": self._plain_class})
        base, metadata = _base_of(model_class, metadata)
        super().__init__(
            None,
            metadata=metadata,
            session_options={**own, "class_": session_class},
            model_class=base,
            engine_options=engine_options,
            add_models_to_shell=add_models_to_shell,
            disable_autonaming=disable_autonaming,
            allow_dynamic=True,
        )
        self.Query = own["query_cls"]
        self._default_app = app
        self._session = ScopedSession(self, self._make_session, self._plain_class)
        event.listen(self.Model, "mapper_configured", _use_dynamic_queries, propagate=True)
        self._cascaded: set[Any] = set()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Any) -> None:
        """Read the configuration and build the engines; nothing connects yet."""
        leave_out_none(app, CONFIG)
        uri = app.config.setdefault("SQLALCHEMY_DATABASE_URI", "sqlite:///:memory:")
        if uri == "sqlite://":
            app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///:memory:"
        super().init_app(app)
        app.teardown_appcontext(self._end_context)
        if app.config.get("BRIDGE_CASCADE_BACKREFS"):
            event.listen(orm.Mapper, "after_configured", self._cascade_backrefs)

    def _cascade_backrefs(self) -> None:
        """Add a new object to the session of the one it is assigned to: ``Post(author=user)``.

        SQLAlchemy 2 does so for ``user.posts.append(post)`` only, and not through a backref.
        """
        model: Any = self.Model
        for mapper in model.registry.mappers:
            for each in mapper.relationships:
                if each.cascade.save_update and each not in self._cascaded:
                    self._cascaded.add(each)
                    attribute = getattr(each.parent.class_, each.key)
                    for change in ("append", "set"):
                        event.listen(attribute, change, _join_session, raw=True)

    def _end_context(self, error: BaseException | None = None) -> None:
        session = self._session
        if self._state.get().commit_on_teardown and error is None and session.registry.has():
            session.commit()
        session.close_now()

    # --- sessions -------------------------------------------------------------------

    @property
    def session(self) -> Any:
        """The session of the app context."""
        return self._session

    @session.setter
    def session(self, session: Any) -> None:  # tests put one of their own here
        self._session = session

    def create_scoped_session(self, options: Mapping[str, Any] | None = None) -> ScopedSession:
        """Return another session; a name of Flask-SQLAlchemy 2."""
        return ScopedSession(self, self._make_session, self._plain_class)

    def _make_session(self) -> Session:
        return cast(Session, self._state_of_app().make_session())

    def _app(self) -> Any:
        """Return the current app, or the one of the constructor."""
        if has_app_context() or self._default_app is None:
            return unwrap(current_app)
        return self._default_app

    def _state_of_app(self) -> Any:
        return self._state.get(self._app())

    # --- engines and schema ---------------------------------------------------------

    @property
    def engine(self) -> Any:
        """The engine of the default database: async in an ``async def``, else synchronous.

        The rooms of the kit get the async one, such as the store of the sessions.
        """
        is_async = is_async_caller() or is_kit_caller()
        return _in_colour(self._state_of_app().engines[None], is_async)

    @property
    def engines(self) -> Any:
        """The engines by bind key."""
        is_async = is_async_caller() or is_kit_caller()
        found = self._state_of_app().engines
        return {key: _in_colour(engine, is_async) for key, engine in found.items()}

    def get_engine(self, bind_key: Any = None, *, bind: str | None = None, app: Any = None) -> Any:
        """Return the engine of a bind key."""
        key = bind_key if isinstance(bind_key, str) else bind
        found = self._state.get(app or self._app()).engines[key]
        return _in_colour(found, is_async_caller() or is_kit_caller())

    def _make_engines(self, app: Any, **options: Any) -> Any:
        """Give a database in memory one connection, which a test and its requests share."""
        sources = [app.config.get("SQLALCHEMY_DATABASE_URI")]
        sources.extend((app.config.get("SQLALCHEMY_BINDS") or {}).values())
        uris = [each["url"] if isinstance(each, dict) else each for each in sources]
        if all(uri is None or is_memory(make_url(uri)) for uri in uris):
            options.setdefault("poolclass", StaticPool)
        return super()._make_engines(app, **options)

    async def _create_all(self, bind_key: Any = ALL, app: Any = None) -> None:
        await self._in_app("create_all", bind_key, app)

    async def _drop_all(self, bind_key: Any = ALL, app: Any = None) -> None:
        await self._in_app("drop_all", bind_key, app)

    async def _reflect(self, bind_key: Any = ALL, app: Any = None) -> None:
        await self._in_app("reflect", bind_key, app)

    async def _in_app(self, verb: str, bind_key: Any, app: Any) -> None:
        """Make, drop or read the tables, in an app context of its own if there is none."""
        work = getattr(KitSQLAlchemy, verb)
        if app is None and has_app_context():
            await work(self, bind_key)
            return
        async with (app or self._app()).app_context():
            await work(self, bind_key)

    create_all = coloured(_create_all, name="db.create_all")
    drop_all = coloured(_drop_all, name="db.drop_all")
    reflect = coloured(_reflect, name="db.reflect")
    dispose = coloured(KitSQLAlchemy.dispose, name="db.dispose")

    # --- queries ----------------------------------------------------------------------

    def _get_or_404(
        self, entity: type[T], ident: Any, *, description: str | None = None, **options: Any
    ) -> T:
        """Return the object with this primary key, or answer 404."""
        found = self.session.get(entity, ident, **options)
        return abort(404, description) if found is None else cast(T, found)

    def _first_or_404(self, statement: Any, *, description: str | None = None) -> Any:
        """Return the first result, or answer 404."""
        found = self.session.execute(statement).scalar()
        return abort(404, description) if found is None else found

    def _one_or_404(self, statement: Any, *, description: str | None = None) -> Any:
        """Return the only result; answer 404 if there is none, or more than one."""
        try:
            return self.session.execute(statement).scalar_one()
        except (NoResultFound, MultipleResultsFound):
            abort(404, description)

    def _paginate(
        self,
        statement: Any,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: int | None = 100,
        error_out: bool = True,
        count: bool = True,
    ) -> Pagination[Any]:
        """Return one page, by default the one that the request asks for."""

        def fetch(limit: int, offset: int) -> list[Any]:
            found = self.session.scalars(statement.limit(limit).offset(offset))
            return list(found.unique().all())

        def count_all() -> int:
            counted = statement.order_by(None).options(orm.lazyload("*")).subquery()
            count = sqlalchemy.select(sqlalchemy.func.count()).select_from(counted)
            return int(self.session.scalar(count) or 0)

        return page_of(fetch, count_all, page, per_page, error_out, max_per_page, count)

    get_or_404 = coloured(_get_or_404, name="db.get_or_404")
    first_or_404 = coloured(_first_or_404, name="db.first_or_404")
    one_or_404 = coloured(_one_or_404, name="db.one_or_404")
    paginate = coloured(_paginate, name="db.paginate")

    @staticmethod
    def dynamic_loader(*args: Any, **options: Any) -> Any:
        """Return a relationship that is a query."""
        return orm.relationship(*args, **{**options, "lazy": "dynamic"})


def _in_colour(engine: Any, is_async: bool) -> Any:
    return engine if is_async else engine.sync_engine


def _session_options(given: Mapping[str, Any], query_class: Any) -> tuple[dict[str, Any], bool]:
    """Return the options of sessions, and whether objects expire with a commit."""
    options = dict(given)
    options.pop("scopefunc", None)
    options.pop("class_", None)
    options.setdefault("query_cls", query_class)
    return options, options.pop("expire_on_commit", True)


def _base_of(model_class: Any, metadata: MetaData | None) -> tuple[Any, MetaData | None]:
    """Return the base of the models, and its metadata; constraints have no names, as in Flask."""
    if model_class is None:
        return Model, metadata or MetaData()
    if is_declarative(model_class):
        if issubclass(model_class, ModelMixin):
            return model_class, metadata
        model_class.metadata.info.setdefault("bind_key", None)
        members = {"__abstract__": True, "__module__": model_class.__module__}
        return type("Model", (Model, model_class), members), metadata
    mixin = type("Model", (model_class, Model), {})
    return mixin, metadata or MetaData()


def _join_session(state: Any, item: Any, *_: object) -> None:
    session = state.session
    if session is not None and item is not None and item not in session:
        orm.Session.add(session, item)


def _use_dynamic_queries(mapper: Any, class_: Any) -> None:
    for attribute in mapper.relationships:
        if attribute.lazy == "dynamic" and attribute.parent is mapper:
            implementation = getattr(class_, attribute.key).impl
            implementation.query_class = dynamic_class(class_.__db__.Query)
