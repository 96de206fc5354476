"""The methods of a query that build a statement; nothing here runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from sqlalchemy import (
    Select,
    except_,
    intersect,
    select,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload, with_parent
from sqlalchemy.sql.base import ExecutableOption

from .distinct import key_columns

if TYPE_CHECKING:
    from .extension import SQLAlchemy

T = TypeVar("T", bound=Any)


class QueryBuilder(Generic[T]):
    """A SELECT; each method returns a new one."""

    def __init__(
        self,
        statement: Select[Any],
        model: type[T] | None,
        session: AsyncSession | None,
        *,
        db: SQLAlchemy | None = None,
        rows: bool = False,
        changed: bool = False,
    ) -> None:
        self.statement = statement
        self._model: Any = model
        self._session = session
        self._db = db
        self._rows = rows
        self._changed = changed

    def __str__(self) -> str:
        """The SQL text, with names in the place of values."""
        return str(self.statement)

    def __repr__(self) -> str:
        return f"<Query of {getattr(self._model, '__name__', 'columns')}>"

    def _with(self, statement: Select[Any]) -> Self:
        return type(self)(
            statement, self._model, self._session, db=self._db, rows=self._rows, changed=True
        )

    def _rows_of(self, statement: Select[Any]) -> Any:
        query: Any = type(self)(statement, self._model, self._session, db=self._db, rows=True)
        return query

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

    def join(
        self, target: Any, onclause: Any = None, *, isouter: bool = False, full: bool = False
    ) -> Self:
        return self._with(self.statement.join(target, onclause, isouter=isouter, full=full))

    def outerjoin(self, target: Any, onclause: Any = None, *, full: bool = False) -> Self:
        return self._with(self.statement.outerjoin(target, onclause, full=full))

    def select_from(self, *tables: Any) -> Self:
        return self._with(self.statement.select_from(*tables))

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

    def distinct(self, *columns: Any) -> Self:
        return self._with(self.statement.distinct(*columns))

    def limit(self, limit: int | None) -> Self:
        return self._with(self.statement.limit(limit))

    def offset(self, offset: int | None) -> Self:
        return self._with(self.statement.offset(offset))

    def slice(self, start: int, stop: int | None) -> Self:
        """Leave out the results before ``start``, and those from ``stop`` on.

        Raises:
            IndexError: For negative positions, which would need a count first.
        """
        if start < 0 or (stop or 0) < 0:
            raise IndexError(f"[{start}:{stop}] counts from the end. Sort the other way round.")
        size = None if stop is None else max(stop - start, 0)
        return self._with(self.statement.offset(start or None).limit(size))

    def with_for_update(self, **options: Any) -> Self:
        """Lock the rows until the end of the transaction, and reload them.

        SQLite has no row locks: ``db.transaction()`` locks the database instead.
        """
        locking = self.statement.with_for_update(**options)
        return self._with(locking.execution_options(populate_existing=True))

    def execution_options(self, **options: Any) -> Self:
        return self._with(self.statement.execution_options(**options))

    def populate_existing(self) -> Self:
        """Reload objects that the session has already."""
        return self.execution_options(populate_existing=True)

    def yield_per(self, count: int) -> Self:
        """Fetch portions of this size in ``async for``."""
        return self.execution_options(yield_per=count)

    def params(self, **values: Any) -> Self:
        """Give the values of ``text(":name")`` in the query."""
        return self._with(self.statement.params(**values))

    def correlate(self, *tables: Any) -> Self:
        return self._with(self.statement.correlate(*tables))

    def prefix_with(self, *texts: Any, dialect: str = "*") -> Self:
        return self._with(self.statement.prefix_with(*texts, dialect=dialect))

    def suffix_with(self, *texts: Any, dialect: str = "*") -> Self:
        return self._with(self.statement.suffix_with(*texts, dialect=dialect))

    def with_hint(self, table: Any, text: str, dialect_name: str = "*") -> Self:
        return self._with(self.statement.with_hint(table, text, dialect_name))

    def with_statement_hint(self, text: str, dialect_name: str = "*") -> Self:
        return self._with(self.statement.with_statement_hint(text, dialect_name))

    def from_statement(self, statement: Any) -> Self:
        """Read the model from another statement, such as a ``text()``."""
        return self._with(cast(Any, self.statement.from_statement(statement)))

    def with_parent(self, instance: object, relation: Any) -> Self:
        """Select the members of a relationship of an object, such as ``User.posts``."""
        return self.filter(with_parent(instance, relation))

    def with_transformation(self, change: Callable[[Self], Self]) -> Self:
        """Return what ``change(query)`` returns, as a link of the chain."""
        return change(self)

    # --- other results --------------------------------------------------------------

    def with_entities(self, *entities: Any) -> Any:
        """Select columns in the place of the model: the results are rows."""
        return self._rows_of(
            self.statement.with_only_columns(*entities, maintain_column_froms=True)
        )

    def add_columns(self, *columns: Any) -> Any:
        """Select further columns: the results are rows."""
        return self._rows_of(self.statement.add_columns(*columns))

    add_entity = add_columns

    # --- several queries as one -----------------------------------------------------

    def union(self, *others: QueryBuilder[T]) -> Self:
        """Return the results of any of the queries, each once."""
        return self._combined(union, others)

    def union_all(self, *others: QueryBuilder[T]) -> Self:
        """Return the results of all queries; objects of a model come once."""
        return self._combined(union_all, others)

    def intersect(self, *others: QueryBuilder[T]) -> Self:
        """Return the results that all of the queries have."""
        return self._combined(intersect, others)

    def except_(self, *others: QueryBuilder[T]) -> Self:
        """Return the results that none of the other queries has."""
        return self._combined(except_, others)

    def _combined(self, combine: Any, others: Sequence[QueryBuilder[T]]) -> Self:
        """Select the rows with the keys that the combined queries give.

        So filters, orders and limits can follow, and each query may have its own. Without a
        model the rows themselves are combined.
        """
        queries: list[QueryBuilder[T]] = [self, *others]
        if self._rows:
            parts = [select(*query.statement.subquery().c) for query in queries]
            return self._with(select(*combine(*parts).subquery().c))
        keys = key_columns(self._model)
        parts = [select(*_keys(query.statement, keys).subquery().c) for query in queries]
        found = select(*combine(*parts).subquery().c)
        key = keys[0] if len(keys) == 1 else tuple_(*keys)
        return self._with(select(self._model).where(key.in_(found)))

    # --- parts of statements --------------------------------------------------------

    @property
    def whereclause(self) -> Any:
        """The condition of the query; None if it has none."""
        return self.statement.whereclause

    @property
    def column_descriptions(self) -> Any:
        """The columns and models that the query selects."""
        return self.statement.column_descriptions

    def subquery(self, name: str | None = None) -> Any:
        """Return the query as a table for another statement; its columns are in ``c``."""
        return self.statement.subquery(name)

    def cte(self, name: str | None = None, recursive: bool = False) -> Any:
        """Return the query as a common table expression."""
        return self.statement.cte(name, recursive=recursive)

    def scalar_subquery(self) -> Any:
        """Return a query of one column as a value for another statement."""
        return self.statement.scalar_subquery()

    def label(self, name: str) -> Any:
        """Return a query of one column as a column for another statement."""
        return self.statement.label(name)


def _keys(statement: Select[Any], keys: Sequence[Any]) -> Select[Any]:
    bare = statement.options(lazyload("*"))
    return bare.with_only_columns(*keys, maintain_column_froms=True)
