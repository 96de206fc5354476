"""Errors of `quarterdeck.sqlalchemy`."""

from __future__ import annotations

from werkzeug.exceptions import ServiceUnavailable

from .base import QuarterdeckError


class SessionSharedError(QuarterdeckError, RuntimeError):
    """A db session was used by another task than its own."""

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
            f"'{model}.{attribute}' is lazy='dynamic', which cannot be awaited. Say "
            "lazy='write_only', or annotate it with 'DynamicMapped' of 'quarterdeck.sqlalchemy': "
            "it can be filtered, counted and paged the same way."
        )


class UnknownBindError(QuarterdeckError, LookupError):
    """A bind key was used that is not configured."""

    def __init__(self, bind: str) -> None:
        super().__init__(f"'{bind}' is not a bind key of this app. Add it to 'SQLALCHEMY_BINDS'.")


class BulkQueryError(QuarterdeckError, ValueError):
    """A bulk update or delete was asked of a query with more than filters."""

    def __init__(self, verb: str) -> None:
        super().__init__(
            f"'query.{verb}()' works on filters alone, but the query also joins, limits, groups "
            f"or the like. Filter by a subquery: '.filter(Model.id.in_(select(...)))'."
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
        reason: What an operator should know; visitors are told only to come back.
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
    """The database server cannot be reached, takes nobody more, or ended the connection."""


class TransactionConflictError(DatabaseBusyError):
    """Another transaction was in the way, and all of this one is undone: it can be tried again.

    A deadlock, a lock that did not come in time, or SQLite's write lock. ``db.run()`` does the
    work anew by itself.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"another transaction is in the way: {reason}")


class RepeatedTransactionError(QuarterdeckError, RuntimeError):
    """Work that may be done several times stands in a transaction that has begun already."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(
            f"'run()' - {problem}, which would be lost when the work is done anew - {remedy}."
        )
