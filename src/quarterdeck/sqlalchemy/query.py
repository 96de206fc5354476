"""``Model.query``: the chain that Flask developers know, awaited at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from quart import abort
from sqlalchemy import ColumnElement, CursorResult, Row, Select, delete, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ExecutableOption

from quarterdeck.exceptions import BulkQueryError

from .pagination import Pagination, count_rows, paginate

if TYPE_CHECKING:
    from .extension import SQLAlchemy

T = TypeVar("T", bound=Any)


class Query(Generic[T]):
    """A SELECT over one model; each method returns a new query, the awaited ones run it.

    Attributes:
        statement: The ``select()`` that it stands for.
    """

    def __init__(
        self,
        statement: Select[Any],
        model: type[T],
        session: AsyncSession | None,
        *,
        db: SQLAlchemy | None = None,
        rows: bool = False,
        changed: bool = False,
    ) -> None:
        self.statement = statement
        self._model = model
        self._session = session
        self._db = db
        self._rows = rows
        self._changed = changed

    def __str__(self) -> str:
        """The SQL text, with names in the place of values."""
        return str(self.statement)

    def __repr__(self) -> str:
        return f"<Query of {self._model.__name__}>"

    @property
    def session(self) -> AsyncSession:
        """The session it runs in: the one given, or that of the current context."""
        if self._session is not None:
            return self._session
        assert self._db is not None  # noqa: S101 - one of the two is always given
        return self._db.session

    def _with(self, statement: Select[Any]) -> Self:
        return type(self)(
            statement, self._model, self._session, db=self._db, rows=self._rows, changed=True
        )

    # --- building ---------------------------------------------------------------

    def with_session(self, session: AsyncSession) -> Self:
        """Run in another session than that of the context, for example ``db.new_session()``."""
        return type(self)(
            self.statement, self._model, session, rows=self._rows, changed=self._changed
        )

    def filter(self, *criteria: Any) -> Self:
        return self._with(self.statement.where(*criteria))

    where = filter

    def filter_by(self, **values: Any) -> Self:
        return self._with(self.statement.filter_by(**values))

    def join(self, target: Any, onclause: Any = None, *, isouter: bool = False) -> Self:
        return self._with(self.statement.join(target, onclause, isouter=isouter))

    def outerjoin(self, target: Any, onclause: Any = None) -> Self:
        return self._with(self.statement.outerjoin(target, onclause))

    def options(self, *options: ExecutableOption) -> Self:
        """Add loader options, for example ``selectinload(Order.lines)``."""
        return self._with(self.statement.options(*options))

    def order_by(self, *columns: Any) -> Self:
        """Sort; ``order_by(None)`` forgets the order so far."""
        return self._with(self.statement.order_by(*columns))

    def group_by(self, *columns: Any) -> Self:
        return self._with(self.statement.group_by(*columns))

    def having(self, *criteria: Any) -> Self:
        return self._with(self.statement.having(*criteria))

    def distinct(self) -> Self:
        return self._with(self.statement.distinct())

    def limit(self, limit: int | None) -> Self:
        return self._with(self.statement.limit(limit))

    def offset(self, offset: int | None) -> Self:
        return self._with(self.statement.offset(offset))

    def with_for_update(self, **options: Any) -> Self:
        """Lock the rows until the end of the transaction, and read them anew.

        SQLite has no row locks: ``db.transaction()`` locks the database instead.
        """
        locking = self.statement.with_for_update(**options)
        return self._with(locking.execution_options(populate_existing=True))

    def execution_options(self, **options: Any) -> Self:
        return self._with(self.statement.execution_options(**options))

    def with_entities(self, *entities: Any) -> Query[Row[Any]]:
        """Select columns in the place of the model: the results are rows."""
        statement = self.statement.with_only_columns(*entities, maintain_column_froms=True)
        return Query(statement, cast(Any, self._model), self._session, db=self._db, rows=True)

    # --- running ----------------------------------------------------------------

    async def _fetch(self, statement: Select[Any]) -> Any:
        result = await self.session.execute(statement)
        return result if self._rows else result.unique().scalars()

    async def all(self) -> list[T]:
        return list((await self._fetch(self.statement)).all())

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield one object after the other, fetched in portions where the driver can."""
        options = {"yield_per": 100}
        result = await self.session.stream(self.statement, execution_options=options)
        async for row in result if self._rows else result.scalars():
            yield row

    async def first(self) -> T | None:
        return cast("T | None", (await self._fetch(self.statement.limit(1))).first())

    async def first_or_404(self, description: str | None = None) -> T:
        return _or_404(await self.first(), description)

    async def one(self) -> T:
        """Return the only result.

        Raises:
            sqlalchemy.exc.NoResultFound: If there is none.
            sqlalchemy.exc.MultipleResultsFound: If there are several.
        """
        return cast(T, (await self._fetch(self.statement)).one())

    async def one_or_none(self) -> T | None:
        return cast("T | None", (await self._fetch(self.statement)).one_or_none())

    async def one_or_404(self, description: str | None = None) -> T:
        """Return the only result; 404 if there is none, or more than one."""
        found = (await self._fetch(self.statement.limit(2))).all()
        only: T | None = found[0] if len(found) == 1 else None
        return _or_404(only, description)

    async def get(self, identity: Any) -> T | None:
        """Return the object with this primary key, or None.

        Without options or filters it costs no SQL if the session has the object already.
        """
        if not self._changed:
            return await self.session.get(self._model, identity)
        values = identity if isinstance(identity, tuple) else (identity,)
        keys = inspect(self._model).primary_key
        criteria = [key == value for key, value in zip(keys, values, strict=True)]
        try:
            return await self.filter(*criteria).one_or_none()
        except OverflowError:  # a number that SQLite cannot hold is the key of nothing
            return None

    async def get_or_404(self, identity: Any, description: str | None = None) -> T:
        return _or_404(await self.get(identity), description)

    async def exists(self) -> bool:
        """Whether there is any result."""
        found = await self.session.scalar(select(self.statement.order_by(None).exists()))
        return bool(found)

    async def count(self) -> int:
        return await count_rows(self.session, self.statement)

    async def paginate(
        self,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: int | None = 100,
        error_out: bool = True,
        count: bool | int = True,
        by: Sequence[ColumnElement[Any]] = (),
        after: str | None = None,
        before: str | None = None,
    ) -> Pagination[T]:
        """Return one page; see ``SQLAlchemy.paginate``."""
        return await paginate(
            self.session,
            self.statement,
            page=page,
            per_page=per_page,
            max_per_page=max_per_page,
            error_out=error_out,
            count=count,
            by=by,
            after=after,
            before=before,
        )

    async def update(self, values: Mapping[Any, Any]) -> int:
        """Change all matching rows with one statement; return how many. Does not commit.

        Raises:
            BulkQueryError: If the query holds more than filters.
        """
        statement = update(self._model).where(*self._only_criteria("update")).values(dict(values))
        return await self._run_bulk(statement)

    async def delete(self) -> int:
        """Delete all matching rows with one statement; return how many. Does not commit.

        Raises:
            BulkQueryError: If the query holds more than filters.
        """
        return await self._run_bulk(delete(self._model).where(*self._only_criteria("delete")))

    async def _run_bulk(self, statement: Any) -> int:
        result = await self.session.execute(statement)
        return cast("CursorResult[Any]", result).rowcount

    def _only_criteria(self, verb: str) -> tuple[Any, ...]:
        criteria = self.statement.whereclause
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
