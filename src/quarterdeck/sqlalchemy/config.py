"""The configuration keys of the database, named as in Flask-SQLAlchemy."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import URL

from quarterdeck.config import ConfigKey, boolean, integer, mapping, seconds, text, type_name


@type_name("text or `URL`")
def _uri(raw: Any) -> str | URL:
    return raw if isinstance(raw, URL) else text(raw)


CONFIG = (
    ConfigKey(
        "SQLALCHEMY_DATABASE_URI",
        None,
        _uri,
        "URL of the default database; required. The path of `sqlite:///app.db` is relative to "
        "the instance folder. A synchronous driver is replaced by its async equivalent.",
    ),
    ConfigKey(
        "SQLALCHEMY_BINDS",
        {},
        mapping,
        "Further databases by bind key. Each is a URL, or a dictionary with `url` and engine "
        "options.",
    ),
    ConfigKey(
        "SQLALCHEMY_POOL_SIZE",
        10,
        integer(1),
        "Connections kept open per database and process.",
        unit="connections",
    ),
    ConfigKey(
        "SQLALCHEMY_MAX_OVERFLOW",
        10,
        integer(0),
        "Further connections under load.",
        unit="connections",
    ),
    ConfigKey(
        "SQLALCHEMY_POOL_TIMEOUT",
        2.5,
        seconds,
        "How long to wait for a connection. After that, the request is answered with 503 and "
        "`Retry-After`.",
        unit="seconds",
    ),
    ConfigKey(
        "SQLALCHEMY_POOL_RECYCLE",
        None,
        seconds,
        "The age at which a connection is replaced. None is 1800 on a server, and never on SQLite.",
        unit="seconds",
    ),
    ConfigKey(
        "SQLALCHEMY_POOL_MAX_USES",
        None,
        integer(1),
        "The number of uses after which a connection is replaced. None is never.",
        unit="uses",
    ),
    ConfigKey(
        "SQLALCHEMY_POOL_PRE_PING",
        None,
        boolean,
        "Whether a connection is tested before use. None is yes on a server and no on SQLite.",
    ),
    ConfigKey(
        "SQLALCHEMY_CONNECT_TIMEOUT_SECONDS",
        2.0,
        seconds,
        "Servers only: how long to wait for the handshake, for the test of a connection before "
        "use, and for a server that refuses connections. 0 is no limit.",
        unit="seconds",
    ),
    ConfigKey(
        "SQLALCHEMY_QUERY_TIMEOUT_SECONDS",
        4.0,
        seconds,
        "Servers only: how long to wait for a statement or a commit. After that, the request is "
        "answered with 503 and `Retry-After`, and the connection is closed. 0 is no limit.",
        unit="seconds",
    ),
    ConfigKey(
        "SQLALCHEMY_ECHO",
        False,
        boolean,
        "Whether every statement is logged.",
    ),
    ConfigKey(
        "SQLALCHEMY_SLOW_QUERY_SECONDS",
        0.5,
        seconds,
        "A statement that takes longer is logged by `quarterdeck.sqlalchemy` with the endpoint, "
        "without its parameters, unless it is within `no_time_limit()`. 0 is never.",
        unit="seconds",
    ),
    ConfigKey(
        "SQLALCHEMY_ENGINE_OPTIONS",
        {},
        mapping,
        "Arguments of `create_async_engine`. They override the keys above.",
    ),
    ConfigKey(
        "SQLALCHEMY_COMMIT_ON_TEARDOWN",
        False,
        boolean,
        "Whether the db session is committed at the end of a request with a status below 400, "
        "and rolled back otherwise.",
    ),
    ConfigKey(
        "SQLALCHEMY_RECORD_QUERIES",
        False,
        boolean,
        "Whether `get_recorded_queries()` of `quarterdeck.sqlalchemy.record_queries` returns the "
        "statements of the current request. Each takes memory until the request ends.",
    ),
    ConfigKey(
        "SQLALCHEMY_TRACK_MODIFICATIONS",
        False,
        boolean,
        "Whether the signals `before_models_committed` and `models_committed` of "
        "`quarterdeck.sqlalchemy.track_modifications` are sent. It costs time at each flush.",
    ),
)
