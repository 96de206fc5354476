"""``Model.query``: the chain that Flask developers know, awaited at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, Unpack, cast, overload

from quart import abort
from sqlalchemy import CursorResult, Select, delete, inspect, select, update
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck._unawaited import Unawaited, awaited
from quarterdeck.exceptions import BulkQueryError, QueryNotIterableError

from .building import QueryBuilder
from .keys import fitting, unfit_is_nothing
from .pagination import PageOptions, Pagination
from .paging import count_rows, paginate

if TYPE_CHECKING:
    from collections.abc import Coroutine


T = TypeVar("T", bound=Any)


class Query(QueryBuilder[T]):
    """A SELECT over one model; each method returns a new query, the awaited ones run it.

    Attributes:
        statement: The ``select()`` that it stands for.
    """

    called = "query"

    @property
    def session(self) -> AsyncSession:
        """The session it runs in: the one given, or that of the current context."""
        if self._session is not None:
            return self._session
        assert self._db is not None  # noqa: S101 - one of the two is always given
        return self._db.session

    @property
    def unawaited(self) -> Unawaited | None:
        """The calls of the session that wait for their ``await``."""
        return getattr(self.session, "unawaited", None)

    @overload
    def __getitem__(self, item: int) -> Coroutine[Any, Any, T]: ...

    @overload
    def __getitem__(self, item: slice) -> Coroutine[Any, Any, list[T]]: ...

    def __getitem__(self, item: int | slice) -> Coroutine[Any, Any, Any]:
        """Fetch one result, or those from one position to another: ``await query[5:10]``.

        Raises:
            IndexError: If there is none, when awaited; for a negative position, at once.
        """
        if isinstance(item, slice):
            if item.step not in {None, 1}:
                raise IndexError(f"'{item}' has a step. Take every row, and choose in Python.")
            return self.slice(item.start or 0, item.stop).all()
        return self._at(item)

    def __iter__(self) -> NoReturn:
        raise QueryNotIterableError

    # --- running ----------------------------------------------------------------

    @awaited
    async def _at(self, position: int) -> T:
        found = (await self._fetch(self.slice(position, position + 1).statement)).first()
        if found is None:
            raise IndexError(position)
        return cast(T, found)

    async def _fetch(self, statement: Select[Any]) -> Any:
        result = await self.session.execute(statement)
        return result if self._rows else result.unique().scalars()

    @awaited
    async def all(self) -> list[T]:
        """Return all results."""
        return list((await self._fetch(self.statement)).all())

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield one object after the other, fetched in portions where the driver can."""
        options = {"yield_per": 100}
        result = await self.session.stream(self.statement, execution_options=options)
        async for row in result if self._rows else result.scalars():
            yield row

    @awaited
    async def first(self) -> T | None:
        """Return the first result; None if there is none."""
        return cast("T | None", (await self._fetch(self.statement.limit(1))).first())

    @awaited
    async def first_or_404(self, description: str | None = None) -> T:
        """Return the first result; 404 if there is none."""
        return _or_404(await self.first(), description)

    @awaited
    async def one(self) -> T:
        """Return the only result.

        Raises:
            sqlalchemy.exc.NoResultFound: If there is none.
            sqlalchemy.exc.MultipleResultsFound: If there are several.
        """
        return cast(T, (await self._fetch(self.statement)).one())

    @awaited
    async def one_or_none(self) -> T | None:
        """Return the only result; None if there is none.

        Raises:
            sqlalchemy.exc.MultipleResultsFound: If there are several.
        """
        return cast("T | None", (await self._fetch(self.statement)).one_or_none())

    @awaited
    async def one_or_404(self, description: str | None = None) -> T:
        """Return the only result; 404 if there is none, or more than one."""
        found = (await self._fetch(self.statement)).all()
        only: T | None = found[0] if len(found) == 1 else None
        return _or_404(only, description)

    @awaited
    async def get(self, ident: Any) -> T | None:
        """Return the object with this primary key, or None.

        Without options or filters it costs no SQL if the session has the object already.
        """
        if not self._changed:
            return await self.session.get(self._model, ident)
        with unfit_is_nothing():
            ident = fitting(self._model, ident)
            values = ident if isinstance(ident, tuple) else (ident,)
            keys = inspect(self._model).primary_key
            criteria = [key == value for key, value in zip(keys, values, strict=True)]
            return await self.filter(*criteria).one_or_none()
        return None

    @awaited
    async def get_or_404(self, ident: Any, description: str | None = None) -> T:
        """Return the object with this primary key; 404 if there is none."""
        return _or_404(await self.get(ident), description)

    @awaited
    async def exists(self) -> bool:
        """Whether there is any result."""
        found = await self.session.scalar(select(self.statement.order_by(None).exists()))
        return bool(found)

    @awaited
    async def count(self) -> int:
        """Return the number of results, counted by the database."""
        return await count_rows(self.session, self.statement)

    @awaited
    async def paginate(self, **options: Unpack[PageOptions]) -> Pagination[T]:
        """Return one page; see ``SQLAlchemy.paginate``."""
        return await paginate(self.session, self.statement, rows=self._rows, **options)

    @awaited
    async def scalar(self) -> Any:
        """Return the first column of the only row; None if there is no row.

        Raises:
            sqlalchemy.exc.MultipleResultsFound: If there are several rows.
        """
        row = (await self.session.execute(self.statement)).one_or_none()
        return None if row is None else row[0]

    @awaited
    async def update(
        self,
        values: Mapping[Any, Any],
        synchronize_session: Any = "auto",
        update_args: Mapping[str, Any] | None = None,
    ) -> int:
        """Change all matching rows with one statement; return how many. Does not commit.

        Args:
            values: New values or expressions, by attribute or by its name.
            synchronize_session: How objects that are loaded follow: "auto", "evaluate",
                "fetch", or False to leave them as they are.
            update_args: Options of the dialect, such as ``{"mysql_limit": 10}``.

        Raises:
            BulkQueryError: If the query holds more than filters.
        """
        criteria = self._only_criteria("update")
        statement = update(self._model).where(*criteria).values(dict(values))
        return await self._run_bulk(statement, synchronize_session, update_args)

    @awaited
    async def delete(
        self,
        synchronize_session: Any = "auto",
        delete_args: Mapping[str, Any] | None = None,
    ) -> int:
        """Delete all matching rows with one statement; return how many. See ``update``.

        Raises:
            BulkQueryError: If the query holds more than filters.
        """
        criteria = self._only_criteria("delete")
        statement = delete(self._model).where(*criteria)
        return await self._run_bulk(statement, synchronize_session, delete_args)

    async def _run_bulk(
        self, statement: Any, synchronize_session: Any, options: Mapping[str, Any] | None
    ) -> int:
        statement = statement.with_dialect_options(**options or {})
        result = await self.session.execute(
            statement, execution_options={"synchronize_session": synchronize_session}
        )
        return cast("CursorResult[Any]", result).rowcount

    def _only_criteria(self, verb: str) -> tuple[Any, ...]:
        criteria = self.statement.whereclause
        if self._rows:
            raise BulkQueryError(verb)
        plain = select(self._model)
        if criteria is not None:
            plain = plain.where(criteria)
        if not self.statement.order_by(None).compare(plain):
            raise BulkQueryError(verb)
        return () if criteria is None else (criteria,)


def _or_404(found: T | None, description: str | None) -> T:
    if found is None:
        abort(404, description)
    return found


def query_of(
    default: type[Query[Any]], entities: Sequence[Any], session: AsyncSession
) -> Query[Any]:
    """Return the query of a model, or of columns and several models."""
    entity = entities[0] if len(entities) == 1 else None
    try:
        model = entity if isinstance(entity, type) or inspect(entity).is_aliased_class else None
    except (NoInspectionAvailable, AttributeError):
        model = None
    if model is None:
        return default(select(*entities), None, session, rows=True)
    query_class = getattr(model, "query_class", None) or default
    return query_class(select(model), model, session)
