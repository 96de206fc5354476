"""Errors of `quarterdeck.sqlalchemy`."""

from __future__ import annotations

from werkzeug.exceptions import ServiceUnavailable

from .base import QuarterdeckError


class SessionSharedError(QuarterdeckError, RuntimeError):
    """A db session was used outside of its task."""

    def __init__(self, user: str) -> None:
        super().__init__(
            f"'db.session' belongs to the task of its request and was used from {user}. "
            "Give each task a session of its own: 'async with db.new_session() as session'."
        )


class TransactionOwnedError(QuarterdeckError, RuntimeError):
    """A transaction block was to be ended from inside."""

    def __init__(self, verb: str) -> None:
        super().__init__(
            f"'session.{verb}()' was called inside 'db.transaction()', which ends by itself. "
            "Remove the call, or raise an exception to roll back."
        )


class RelationshipNotLoadedError(QuarterdeckError, RuntimeError):
    """A relationship was read that no query had loaded."""

    def __init__(self, model: str, attribute: str) -> None:
        name, variable = f"{model}.{attribute}", model.lower()
        super().__init__(
            f"'{name}' is not loaded, and async code cannot load it on access. "
            f"Add '.options(selectinload({name}))' to the query, "
            f"or 'await session.refresh({variable}, [\"{attribute}\"])' before."
        )
        self.model = model
        self.attribute = attribute


class ColumnNotLoadedError(QuarterdeckError, RuntimeError):
    """A deferred column was read, or any column after a rollback."""

    def __init__(self, model: str, attributes: list[str]) -> None:
        names = ", ".join(f"'{model}.{attribute}'" for attribute in attributes)
        super().__init__(
            f"{names}: not loaded (deferred, or expired by a rollback), and async code cannot "
            f"load on access. Call 'await session.refresh({model.lower()}, {attributes!r})' "
            f"before, or add '.options(undefer({model}.{attributes[0]}))' to the query."
        )
        self.model = model
        self.attributes = attributes


class DynamicRelationshipError(QuarterdeckError, TypeError):
    """A relationship was declared with ``lazy="dynamic"``, which queries synchronously."""

    def __init__(self, model: str, attribute: str) -> None:
        super().__init__(
            f"'{model}.{attribute}' is lazy='dynamic', which cannot be awaited. Use "
            "lazy='write_only', or annotate it with 'DynamicMapped' of 'quarterdeck.sqlalchemy': "
            "it can be filtered, counted and paged the same way."
        )


class UnknownBindError(QuarterdeckError, LookupError):
    """A bind key was used that is not configured."""

    def __init__(self, bind: str | None) -> None:
        if bind is None:
            problem = "'SQLALCHEMY_DATABASE_URI' is not set, so there is no default database"
            super().__init__(f"{problem}. Set it, or give the model a '__bind_key__'.")
        else:
            remedy = "Add it to 'SQLALCHEMY_BINDS'."
            super().__init__(f"'{bind}' is not a bind key of this app. {remedy}")


class BulkQueryError(QuarterdeckError, ValueError):
    """A bulk update or delete was asked of a query with more than filters."""

    def __init__(self, verb: str) -> None:
        super().__init__(
            f"'query.{verb}()' works on filters alone, but the query also joins, limits, groups "
            f"or the like. Filter by a subquery: '.filter(Model.id.in_(select(...)))'."
        )


class BadCursorError(QuarterdeckError, ValueError):
    """A cursor does not belong to the list that it was sent to."""

    def __init__(self, cursor: str) -> None:
        super().__init__(
            f"{cursor!r} is not a cursor of this list. Use a cursor that a page of it returned."
        )


class InexactDecimalError(QuarterdeckError, ValueError):
    """A value does not fit into an ExactDecimal column without rounding."""

    def __init__(self, value: object, precision: int, scale: int) -> None:
        super().__init__(
            f"{value!r} does not fit exactly into 'ExactDecimal({precision}, {scale})'. Pass a "
            f"Decimal (or int) of at most {precision - scale} digits before the point and "
            f"{scale} after it; round where you know the rule."
        )


class InexactArithmeticError(QuarterdeckError, TypeError):
    """An SQL expression over ExactDecimal columns would not be exact on every database."""

    def __init__(self, left: object, operator: str, right: object) -> None:
        super().__init__(
            f"'{operator}' of {left!r} and {right!r} is not exact in SQL. Add and compare "
            "decimals of the same scale, multiply by decimals or integers, do the rest in Python."
        )


class NaiveDatetimeError(QuarterdeckError, ValueError):
    """A datetime without time zone was given to a UTCDateTime column."""

    def __init__(self, value: object) -> None:
        super().__init__(
            f"{value!r} is not a datetime with a time zone. "
            "Make it with 'datetime.now(UTC)', or give it one with '.replace(tzinfo=...)'."
        )


class DatabaseBusyError(QuarterdeckError, ServiceUnavailable):
    """The database can take no more work now: 503 with Retry-After.

    Attributes:
        reason: The cause, for operators; visitors are only asked to come back.
    """

    def __init__(self, reason: str, *, retry_after: int = 1) -> None:
        super().__init__(
            "The database is busy. Please try again in a moment.", retry_after=retry_after
        )
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason} - {super().__str__()}"


class PoolExhaustedError(DatabaseBusyError):
    """No database connection became free in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"no database connection became free within {seconds:g} s (SQLALCHEMY_POOL_TIMEOUT)"
        )


class DatabaseTimeoutError(DatabaseBusyError):
    """A statement, or reaching the server, took too long; its connection was thrown away."""


class DatabaseUnavailableError(DatabaseBusyError):
    """The database server is unreachable, full, or ended the connection."""


class TransactionConflictError(DatabaseBusyError):
    """Another transaction prevented this one, which is rolled back and can be retried.

    The reason is a deadlock, a lock timeout, or SQLite's write lock. ``db.run()`` retries
    automatically.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"another transaction is in the way: {reason}")


class RepeatedTransactionError(QuarterdeckError, RuntimeError):
    """``run()`` was called inside a transaction that has already begun."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(
            f"'run()' - {problem}, which would be lost when the work is retried - {remedy}."
        )


class ModelMetadataError(QuarterdeckError, TypeError):
    """``SQLAlchemy(metadata=...)`` was given with a base that has metadata already."""

    def __init__(self, model_class: str) -> None:
        super().__init__(
            f"'metadata' has no effect, because '{model_class}' has its own. "
            f"Write 'metadata = MetaData(...)' in the body of '{model_class}'."
        )


class SessionOptionError(QuarterdeckError, TypeError):
    """A session option of Flask-SQLAlchemy cannot work in async code."""

    def __init__(self, option: str, remedy: str) -> None:
        super().__init__(f"'{option}' is not a session option here. {remedy}")


class PageDetachedError(QuarterdeckError, RuntimeError):
    """The next page was asked of a page that no ``paginate`` has fetched."""

    def __init__(self) -> None:
        super().__init__(
            "'Pagination' was made by hand and has no statement to fetch another page with. "
            "Get the page from 'db.paginate(...)' or 'Model.query.paginate(...)'."
        )


class QueryNotIterableError(QuarterdeckError, TypeError):
    """A query was iterated over without ``async``."""

    def __init__(self) -> None:
        super().__init__(
            "'query' runs only when it is awaited. Write 'async for item in query:', or "
            "'for item in await query.all():'."
        )
