"""The configuration keys of the browser session, named as in Flask-Session where they exist."""

from __future__ import annotations

from typing import Any

from quarterdeck._config import ConfigKey, Kind, boolean, integer, seconds, text

from .codec import FORMATS

TYPES = ("null", "redis", "memcached", "filesystem", "mongodb", "sqlalchemy")


def anything(raw: Any) -> Any:
    """A client, or what else the store says."""
    return raw


def file_mode(raw: Any) -> int:
    """File permissions: a number, or text in octal such as "600"."""
    try:
        return int(raw, 8) if isinstance(raw, str) else int(raw)
    except (TypeError, ValueError):
        raise ValueError("file permissions such as 0o600") from None


def _key(
    name: str, default: Any, kind: Kind, meaning: str, choices: tuple[Any, ...] = ()
) -> ConfigKey:
    return ConfigKey(f"SESSION_{name}", default, kind, meaning, choices)


CONFIG = (
    _key("TYPE", "null", text, "Where sessions are kept; null: in a signed cookie", TYPES),
    _key("PERMANENT", True, boolean, "Whether the cookie outlives the browser, unless said"),
    _key("IDLE_SECONDS", None, seconds, "Unused for so long it ends; PERMANENT_SESSION_LIFETIME"),
    _key("ABSOLUTE_SECONDS", None, seconds, "Begun so long ago it ends; None for no limit"),
    _key("ID_LENGTH", 32, integer(32), "Random bytes of an id"),
    _key("USE_SIGNER", False, boolean, "Whether the id in the cookie is signed"),
    _key("KEY_PREFIX", "session:", text, "What the keys in the store begin with"),
    _key("SERIALIZATION_FORMAT", "msgpack", text, "How rows are written", FORMATS),
    _key("TIMEOUT_SECONDS", 1.0, seconds, "A store that has not answered by then is down"),
    _key("OWNER_KEY", "_user_id", text, "Key of the session that names its user"),
    _key("CLEANUP_N_REQUESTS", 500, integer(1), "New sessions between two clean-ups, on average"),
    _key("REDIS", None, anything, "Client or URL; REDIS_URL, else redis://127.0.0.1:6379/0"),
    _key("MEMCACHED", None, anything, "Client, or host:port; else 127.0.0.1:11211"),
    _key("FILE_DIR", None, text, "Folder; else 'sessions' in the instance folder"),
    _key("FILE_MODE", 0o600, file_mode, "Permissions of the files"),
    _key("MONGODB", None, anything, "Client or URL; else mongodb://127.0.0.1:27017"),
    _key("MONGODB_DB", "flask_session", text, "Database"),
    _key("MONGODB_COLLECT", "sessions", text, "Collection"),
    _key("SQLALCHEMY", None, anything, "AsyncEngine, or a function that returns it"),
    _key("SQLALCHEMY_TABLE", "sessions", text, "Table"),
    _key("SQLALCHEMY_SCHEMA", None, text, "Schema of the table"),
    _key("SQLALCHEMY_CREATE", True, boolean, "Whether a missing table is made at first use"),
)
