"""The configuration keys of the browser session, named as in Flask-Session where they exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quarterdeck._state import ExtensionState, OwnTable, SingleProcess
from quarterdeck.config import ConfigKey, anything, boolean, integer, seconds, text, type_name

from .checks import RULES
from .codec import FORMATS

if TYPE_CHECKING:
    from .manager import SessionManager

TYPES = ("null", "redis", "memcached", "filesystem", "mongodb", "sqlalchemy", "cachelib")


@type_name("file permissions")
def file_mode(raw: Any) -> int:
    """File permissions: a number, or text in octal such as "600"."""
    try:
        return int(raw, 8) if isinstance(raw, str) else int(raw)
    except (TypeError, ValueError):
        raise ValueError("file permissions such as 0o600") from None


@type_name("text")
def session_type(raw: Any) -> str:
    """The name of a store; None, as environment files give ``null``, is the signed cookie."""
    return "null" if raw is None else text(raw)


CONFIG = (
    ConfigKey(
        "SESSION_TYPE",
        "null",
        session_type,
        "The session store. `null` keeps the session in a signed cookie, without a "
        "server-side store.",
        choices=TYPES,
    ),
    ConfigKey(
        "SESSION_PERMANENT",
        True,
        boolean,
        "Whether the cookie outlives the browser. `session.permanent` overrides it for one "
        "session.",
    ),
    ConfigKey(
        "SESSION_IDLE_SECONDS",
        None,
        seconds,
        "How long an unused session lives. None is `PERMANENT_SESSION_LIFETIME`. With "
        "`SESSION_REFRESH_EACH_REQUEST = False` only changes count as use.",
        unit="seconds",
    ),
    ConfigKey(
        "SESSION_ANONYMOUS_IDLE_SECONDS",
        3600,
        seconds,
        "How long an unused session without a user lives, if that is shorter. A user is signed "
        "in if the session has `SESSION_OWNER_KEY`.",
        unit="seconds",
    ),
    ConfigKey(
        "SESSION_ABSOLUTE_SECONDS",
        None,
        seconds,
        "The age at which a session expires, however much it is used. None is no limit.",
        unit="seconds",
    ),
    ConfigKey(
        "SESSION_ID_LENGTH",
        32,
        integer(32),
        "Random bytes of a session id.",
        unit="bytes",
    ),
    ConfigKey(
        "SESSION_USE_SIGNER",
        False,
        boolean,
        "Whether the id in the cookie is signed with `SECRET_KEY`. Forged ids are then "
        "rejected without a lookup in the store.",
    ),
    ConfigKey(
        "SESSION_KEY_PREFIX",
        "session:",
        text,
        "Prefix of the keys in the store. Give each app its own if several share a store.",
    ),
    ConfigKey(
        "SESSION_SERIALIZATION_FORMAT",
        "msgpack",
        text,
        "The format of stored sessions.",
        choices=FORMATS,
    ),
    ConfigKey(
        "SESSION_TIMEOUT_SECONDS",
        1.0,
        seconds,
        "How long to wait for the store. A store that takes longer counts as unavailable.",
        unit="seconds",
    ),
    ConfigKey(
        "SESSION_OWNER_KEY",
        "_user_id",
        text,
        "The key of the session that holds the user's id. It is used to list and end the "
        "sessions of a user. A session without it is anonymous.",
    ),
    ConfigKey(
        "SESSION_CLEANUP_N_REQUESTS",
        500,
        integer(1),
        "New sessions between two removals of expired rows, on average (`filesystem` and "
        "`sqlalchemy`).",
        unit="sessions",
    ),
    ConfigKey(
        "SESSION_REDIS",
        None,
        anything,
        "A `redis.asyncio.Redis` or a URL. None is `REDIS_URL`, or else "
        "`redis://127.0.0.1:6379/0`.",
    ),
    ConfigKey(
        "SESSION_MEMCACHED",
        None,
        anything,
        "An `emcache.Client`, or `host:port`, or several separated by commas. None is "
        "`127.0.0.1:11211`.",
    ),
    ConfigKey(
        "SESSION_FILE_DIR",
        None,
        text,
        "Folder of the session files. None is `sessions` in the instance folder.",
    ),
    ConfigKey(
        "SESSION_FILE_MODE",
        0o600,
        file_mode,
        "Permissions of the session files. Text is read as octal, such as `600`.",
    ),
    ConfigKey(
        "SESSION_MONGODB",
        None,
        anything,
        "A `pymongo.AsyncMongoClient` or a URL. None is `mongodb://127.0.0.1:27017`.",
    ),
    ConfigKey(
        "SESSION_MONGODB_DB",
        "flask_session",
        text,
        "Name of the MongoDB database.",
    ),
    ConfigKey(
        "SESSION_MONGODB_COLLECT",
        "sessions",
        text,
        "Name of the MongoDB collection.",
    ),
    ConfigKey(
        "SESSION_CACHELIB",
        None,
        anything,
        "A cache of cachelib. Required for `cachelib`, which serves one process.",
    ),
    ConfigKey(
        "SESSION_SQLALCHEMY",
        None,
        anything,
        "An `AsyncEngine`, or a function that returns one. Required for `sqlalchemy`.",
    ),
    ConfigKey(
        "SESSION_SQLALCHEMY_READ",
        None,
        anything,
        "An async function that returns the `Row` with a key from the table, and as its `extra` "
        "what it has read in the same statement: `read(table, key)`. None reads the row alone.",
    ),
    ConfigKey(
        "SESSION_SQLALCHEMY_TABLE",
        "sessions",
        text,
        "Name of the table.",
    ),
    ConfigKey(
        "SESSION_SQLALCHEMY_SCHEMA",
        None,
        text,
        "Schema of the table.",
    ),
    ConfigKey(
        "SESSION_SQLALCHEMY_CREATE",
        True,
        boolean,
        "Whether a missing table is created at the first use.",
    ),
)


@dataclass(frozen=True, slots=True)
class SessionState:
    """The manager of one app; None for the signed cookie, which has no store."""

    rules = RULES  # of 'quarterdeck check'

    manager: SessionManager | None

    @property
    def single_process(self) -> SingleProcess | None:
        """Why several processes cannot serve the app."""
        if self.manager is None or self.manager.store.name != "cachelib":
            return None
        return "SESSION_TYPE", "Choose a store for several processes, such as 'redis'"

    @property
    def own_tables(self) -> Collection[OwnTable]:
        """The tables of the store."""
        return () if self.manager is None else self.manager.store.own_tables

    async def create_own_tables(self) -> None:
        """Make missing tables of the store."""
        if self.manager is not None:
            await self.manager.store.create_own_tables()

    def health_checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return the check of the store; none for the signed cookie."""
        return {} if self.manager is None else {"sessions": self._check}

    async def _check(self) -> None:
        if self.manager is not None:
            await self.manager.open("health check")

    async def aclose(self) -> None:
        if self.manager is not None:
            await self.manager.store.aclose()


STATE: ExtensionState[SessionState] = ExtensionState("session", "Session")
