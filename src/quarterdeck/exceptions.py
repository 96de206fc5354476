"""Every error that Quarterdeck raises for a programmer or an operator.

Messages read: quoted name of the thing - what is wrong - what to do.
HTTP conditions (404, 403, ...) stay werkzeug exceptions and do not live here.
"""

from __future__ import annotations

from werkzeug.exceptions import ServiceUnavailable


class QuarterdeckError(Exception):
    """Base of all errors raised by the kit."""


# --- ground floor ---------------------------------------------------------------


class ConfigurationError(QuarterdeckError, ValueError):
    """A configuration key holds a value that cannot work."""

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{key}' {problem}. {remedy}")
        self.key = key


class ExtensionNotInitializedError(QuarterdeckError, RuntimeError):
    """An extension was used in an app that it was never initialised for."""

    def __init__(self, extension: str) -> None:
        super().__init__(
            f"'{extension}' is not initialised for the current app. "
            f"Call '{extension}.init_app(app)' in the application factory first."
        )


class ExtensionAlreadyInitializedError(QuarterdeckError, RuntimeError):
    """The same app was given to 'init_app' of one extension twice."""

    def __init__(self, extension: str) -> None:
        super().__init__(
            f"'{extension}' is already initialised for this app. "
            f"Remove the second call of 'init_app' (or the app from the constructor)."
        )


# --- app, routing ---------------------------------------------------------------


class InvalidExpressionError(QuarterdeckError, ValueError):
    """The regular expression in a URL rule cannot be compiled."""

    def __init__(self, expression: str, problem: str) -> None:
        super().__init__(
            f"'{expression}' is not a regular expression: {problem}. Correct it in the URL rule."
        )


class InvalidStatusError(QuarterdeckError, ValueError):
    """A view answered with a status that HTTP does not have."""

    def __init__(self, status: object) -> None:
        super().__init__(
            f"'{status}' is not an HTTP status. "
            "Answer with a number from 100 to 599, alone or followed by a reason: '403 No entry'."
        )


class ApplicationClassError(QuarterdeckError, TypeError):
    """Something was used that only ``quarterdeck.app.Quart`` has."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' needs the kit's application object. "
            "Create the app with 'from quarterdeck.app import Quart'."
        )


class SessionCookieTooLargeError(QuarterdeckError, ValueError):
    """The session holds more than a browser keeps in one cookie."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"'session' makes a cookie of {size} bytes, browsers drop those above {limit}. "
            "Keep less in it, or keep sessions on the server with 'quarterdeck.session'."
        )


class ContextEndedError(QuarterdeckError, RuntimeError):
    """A task used ``g`` after the request or app context it was started in had ended."""

    def __init__(self) -> None:
        super().__init__(
            "'g' belongs to a context that has ended, and what hung on it is closed. "
            "Start such work with 'app.add_background_task(function)': it has a 'g' of its own."
        )


# --- session ----------------------------------------------------------------------


class SessionUnavailableError(QuarterdeckError, ServiceUnavailable):
    """The session store is down or too slow: 503 with Retry-After.

    Attributes:
        reason: What an operator should know; visitors are told only to come back.
    """

    def __init__(self, store: str, problem: str, *, retry_after: int = 2) -> None:
        super().__init__(
            "Sign-in is not available at the moment. Please try again soon.",
            retry_after=retry_after,
        )
        self.reason = f"the session store '{store}' does not answer: {problem}"

    def __str__(self) -> str:
        return f"{self.reason} - {super().__str__()}"


class StatelessSessionError(QuarterdeckError, RuntimeError):
    """A view that was marked as needing no session used it."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"'session' was used while '{endpoint}' was answered, which is stateless. "
            "Remove '@stateless' from the view (or its blueprint), or do not use the session."
        )


class SessionHandshakeError(QuarterdeckError, RuntimeError):
    """A WebSocket changed its session in a way that takes a new cookie."""

    def __init__(self) -> None:
        super().__init__(
            "'session' needs a new cookie, and a WebSocket cannot set one after its handshake. "
            "Begin the session, and change its id, in an HTTP view; with SESSION_TYPE 'null' "
            "make every change there."
        )


class SessionValueError(QuarterdeckError, TypeError):
    """The session holds a value that cannot be stored."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(
            f"'session[{key!r}]' cannot be stored: {problem}. "
            "Keep text, numbers, dates, lists and dictionaries, or the id of an object."
        )


class SessionListingError(QuarterdeckError, RuntimeError):
    """The sessions of a user were asked for where they cannot be listed."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"'{store}' session store cannot list the sessions of a user. "
            "Set SESSION_TYPE to 'sqlalchemy', 'redis', 'mongodb' or 'filesystem'."
        )


# --- wtf ------------------------------------------------------------------------


class FormNotAwaitedError(QuarterdeckError, TypeError):
    """The outcome of a validation was used without ``await``."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"'{method}' - was called without 'await', so nothing was validated - "
            f"write 'if await form.{method.rpartition('.')[2]}():' in an async function."
        )


class FormNotBoundError(QuarterdeckError, RuntimeError):
    """A submitted request was validated by a form that never saw its data."""

    def __init__(self, form: str) -> None:
        super().__init__(
            f"'{form}' - was made without the data of the submitted request - "
            f"make it with 'form = await {form}.from_request()'."
        )


class AsyncValidatorError(QuarterdeckError, TypeError):
    """An async validator stands where only synchronous code would call it."""

    def __init__(self, field: str, validator: str) -> None:
        super().__init__(
            f"'{field}' - its validator '{validator}' is async and nobody would await it - "
            "validate with 'await form.validate()', and derive enclosed forms from QuartForm."
        )


class SyncValidateError(QuarterdeckError, TypeError):
    """A form class overrides ``validate`` with a plain function."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"'{method}' - is not async, so it cannot await the validators - "
            "write 'async def validate(...)' and 'await super().validate(...)'."
        )


# --- commands -------------------------------------------------------------------


class CommandInLoopError(QuarterdeckError, RuntimeError):
    """A command that needs its own event loop was started while one is running."""

    def __init__(self, command: str) -> None:
        super().__init__(
            f"'{command}' is a command with an event loop of its own and was started inside a "
            f"running one. Start it in a thread: 'await asyncio.to_thread(runner.invoke, ...)'."
        )


# --- login ----------------------------------------------------------------------


class CurrentUserUnavailableError(QuarterdeckError, RuntimeError):
    """``current_user`` was used where nobody is asking."""

    def __init__(self) -> None:
        super().__init__(
            "'current_user' is not available outside of a request or WebSocket. "
            "Pass the user, or the user's id, to code that runs elsewhere."
        )


class LoginContextError(QuarterdeckError, RuntimeError):
    """Somebody was signed in or out where no cookie can be set."""

    def __init__(self, function: str) -> None:
        super().__init__(
            f"'{function}' works only while an HTTP request is handled: "
            f"elsewhere the browser session cannot be saved. Call it in a view."
        )


class UserLoaderError(QuarterdeckError, RuntimeError):
    """The function that finds users is missing or returned something else."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"'user_loader' {problem}. Register 'async def load(user_id): ...' with "
            f"'@login_manager.user_loader' and return a user (see 'UserMixin') or None."
        )


class UserCapabilityError(QuarterdeckError, TypeError):
    """The user object cannot be asked for a role or permission."""

    def __init__(self, method: str, problem: str) -> None:
        super().__init__(
            f"'{method}' of the user {problem}. Give the user class a plain method "
            f"'{method}(name) -> bool'; load what it needs in the user loader."
        )


class AccessConflictError(QuarterdeckError, TypeError):
    """The marks on a view contradict each other or say nothing."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"'view' {problem}. {remedy}")


class LoginViewNotPublicError(QuarterdeckError, RuntimeError):
    """The sign-in page itself asks for sign-in."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"'{endpoint}' is the login view but needs sign-in itself. Mark it with '@public'."
        )


# --- sqlalchemy -----------------------------------------------------------------


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


# --- migrate --------------------------------------------------------------------


class MigrateDatabaseError(QuarterdeckError, TypeError):
    """``Migrate`` was initialised without a database."""

    def __init__(self) -> None:
        super().__init__("'Migrate' has no database. Write 'Migrate(app, db)'.")


class MigrationError(QuarterdeckError, RuntimeError):
    """Alembic refused; the base of all that can go wrong with migrations."""


class DatabaseUnreachableError(MigrationError, ConnectionError):
    """The database to be migrated does not answer."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"'{url}' does not answer: {reason}. Start it, or mend the URI.")


class MigrationsFolderError(MigrationError):
    """The folder of the migrations is missing, or is there already."""

    def __init__(self, folder: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{folder}' {problem}. {remedy}")


class MigrationsOutsideError(MigrationError):
    """``env.py`` was loaded by Alembic's own program."""

    def __init__(self) -> None:
        super().__init__(
            "'run_migrations' was called outside our commands. "
            "Use 'quart db upgrade' and its like instead of 'alembic'."
        )


class RevisionNotFoundError(MigrationError, LookupError):
    """No migration has that id, or more than one begin with it."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"{detail.rstrip('.')}. 'db history' lists all revisions.")


class MultipleHeadsError(MigrationError):
    """Two lines of migrations stand side by side."""

    def __init__(self, heads: list[str]) -> None:
        super().__init__(
            f"The migrations have several heads: {', '.join(heads)}. "
            "Join them with 'db merge heads -m \"join\"'."
        )
        self.heads = heads


class MigrationsPendingError(MigrationError):
    """The database is behind the migrations."""

    def __init__(self, current: list[str], heads: list[str]) -> None:
        super().__init__(
            f"The database is at {', '.join(current) or 'no revision'}, the migrations are at "
            f"{', '.join(heads)}. Run 'db upgrade' first."
        )
        self.current = current
        self.heads = heads


class SchemaDriftError(MigrationError):
    """The models differ from what the migrations make."""

    def __init__(self, differences: list[str]) -> None:
        lines = "".join(f"\n  {difference}" for difference in differences)
        super().__init__(
            f"The models have changes that no migration makes:{lines}\n"
            "Run 'db migrate -m \"what changed\"' and read what it writes."
        )
        self.differences = differences


class ForeignKeyViolationError(MigrationError):
    """A migration left rows that point to rows that are not there; it was undone."""

    def __init__(self, tables: list[str]) -> None:
        names = ", ".join(f"'{table}'" for table in tables)
        super().__init__(
            f"{names} would have rows whose foreign key points nowhere. "
            "The migration was undone; let it delete or mend those rows first."
        )
        self.tables = tables


class MigrationLockedError(MigrationError, TimeoutError):
    """Another process is migrating the same database and takes too long."""

    def __init__(self, lock: str, seconds: float) -> None:
        super().__init__(
            f"'{lock}' is held by another process that migrates the database, "
            f"and was not free within {seconds:g} s. Wait for it, or raise MIGRATE_LOCK_SECONDS."
        )


# --- bootstrap ------------------------------------------------------------------


class BootstrapMissingError(QuarterdeckError, RuntimeError):
    """The package that the macros and assets come from is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "'bootstrap-flask' is not installed. "
            "Install it with 'pip install quarterdeck[bootstrap]'."
        )


class IconNotFoundError(QuarterdeckError, LookupError):
    """There is no icon of this name."""

    def __init__(self, name: str, similar: list[str]) -> None:
        hint = f"Did you mean {', '.join(map(repr, similar))}?" if similar else "Check the name."
        super().__init__(f"'{name}' is not a Bootstrap icon. {hint}")


class MacroUseError(QuarterdeckError, RuntimeError):
    """A macro was called in a way that cannot work."""

    def __init__(self, message: str) -> None:
        super().__init__(f"'bootstrap' macro was called wrongly. {message}")


# --- moment ---------------------------------------------------------------------


class MomentArgumentError(QuarterdeckError, ValueError):
    """A time, unit or language could not be understood."""

    def __init__(self, value: object, problem: str, remedy: str) -> None:
        super().__init__(f"{value!r} {problem}. {remedy}")


# --- sockets --------------------------------------------------------------------


class RoomPatternError(QuarterdeckError, ValueError):
    """The pattern of a room cannot be understood."""

    def __init__(self, pattern: str, problem: str) -> None:
        super().__init__(
            f"'{pattern}' {problem}. "
            "Write text and '<name>' or '<int:name>', as in 'order:<int:id>'."
        )


class UnknownRoomError(QuarterdeckError, LookupError):
    """An event was published in a room that nobody could enter."""

    def __init__(self, room: str) -> None:
        super().__init__(
            f"'{room}' is in no pattern of the hub. Register one with '@hub.room(...)'."
        )


class HubNotRunningError(QuarterdeckError, RuntimeError):
    """A WebSocket came to an app whose start-up functions did not run."""

    def __init__(self) -> None:
        super().__init__(
            "'Hub' is not running, because the app is not serving. "
            "In a test connect inside 'async with app.test_app():'."
        )


class IdentityMissingError(QuarterdeckError, RuntimeError):
    """A hub serves WebSockets and cannot know whose they are."""

    def __init__(self) -> None:
        super().__init__(
            "'Hub' does not know whose a WebSocket is. Register a function with '@hub.identify'."
        )


class EventsUnavailableError(QuarterdeckError, ConnectionError):
    """The server that carries events between processes is away or refuses."""

    def __init__(self, address: str, problem: str) -> None:
        super().__init__(
            f"'{address}' does not carry live events: {problem}. "
            "See that this Redis runs and lets the app in, or set SOCKETS_BACKEND to 'memory'."
        )


class EventRefusedError(QuarterdeckError, RuntimeError):
    """An event was published while as many as may wait are waiting for Redis."""

    def __init__(self, capacity: int) -> None:
        super().__init__(
            f"'publish' was refused: {capacity} events wait for Redis already. "
            "Bring Redis back, or raise SOCKETS_REDIS_BUFFER_SIZE."
        )


class SocketClientError(QuarterdeckError):
    """Base of all that ends, or keeps from beginning, the events of a program."""


class ClientClosedError(SocketClientError, RuntimeError):
    """A client was used outside its block."""

    def __init__(self) -> None:
        super().__init__(
            "'Client' is closed. Use it inside 'async with Client(...) as client', and not later."
        )


class SocketUnreachableError(SocketClientError, ConnectionError):
    """Nobody answers at the address, or not in time."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"'{url}' does not answer: {reason}. Start the server, or mend the URL.")


class SocketRefusedError(SocketClientError, ConnectionError):
    """What answers there serves no events, or ends them for good."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"'{url}' serves no events: {reason}. Look whether the URL is right.")


class NotSignedInError(SocketClientError, PermissionError):
    """The server does not know who we are, or not any more (4401)."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"'{url}' does not accept the sign-in: there is none, it was revoked or has expired. "
            "Give a token or cookie that is valid."
        )


class NotAllowedError(SocketClientError, PermissionError):
    """The server knows who we are and does not let us in (4403)."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"'{url}' is not open to whom the token or cookie belongs. "
            "Use that of somebody who may, or have the permission granted."
        )


class MessageRefusedError(SocketClientError):
    """The server answered a message with an error; the connection goes on.

    Attributes:
        code: The server's word for it, for programs.
        detail: Its sentence, for people.
        room: The room it is about, if any; we are not, or no longer, in it.
    """

    def __init__(self, code: str, detail: str, room: str | None = None) -> None:
        about = f"'{room}' - " if room else ""
        super().__init__(f"{about}{detail}")
        self.code = code
        self.detail = detail
        self.room = room
