"""The configuration keys of the database, named as in Flask-SQLAlchemy."""

from __future__ import annotations

from quarterdeck._config import ConfigKey, boolean, integer, mapping, seconds, text

CONFIG = (
    ConfigKey(
        "SQLALCHEMY_DATABASE_URI",
        None,
        text,
        "URI of the default database; 'sqlite:///app.db' lies in the instance folder",
    ),
    ConfigKey("SQLALCHEMY_BINDS", {}, mapping, "URIs of further databases by bind key"),
    ConfigKey("SQLALCHEMY_POOL_SIZE", 10, integer(1), "Connections kept open per database"),
    ConfigKey("SQLALCHEMY_MAX_OVERFLOW", 10, integer(0), "Further connections under load"),
    ConfigKey(
        "SQLALCHEMY_POOL_TIMEOUT", 2.5, seconds, "Seconds to wait for a connection before a 503"
    ),
    ConfigKey(
        "SQLALCHEMY_POOL_RECYCLE",
        None,
        seconds,
        "Seconds after which a connection is replaced; default 1800 on a server, never on SQLite",
    ),
    ConfigKey(
        "SQLALCHEMY_POOL_MAX_USES",
        None,
        integer(1),
        "Uses after which a connection is replaced; default never",
    ),
    ConfigKey(
        "SQLALCHEMY_POOL_PRE_PING",
        None,
        boolean,
        "Test a connection before use; default true on a server, false on SQLite",
    ),
    ConfigKey(
        "SQLALCHEMY_CONNECT_TIMEOUT_SECONDS",
        2.0,
        seconds,
        "Seconds in which a MySQL server must let us in, and answer the test of a connection",
    ),
    ConfigKey(
        "SQLALCHEMY_QUERY_TIMEOUT_SECONDS",
        4.0,
        seconds,
        "Seconds after which a statement on MySQL is given up with a 503",
    ),
    ConfigKey("SQLALCHEMY_ECHO", False, boolean, "Log every statement"),
    ConfigKey(
        "SQLALCHEMY_ENGINE_OPTIONS",
        {},
        mapping,
        "Further arguments of 'create_async_engine'; they win over all other keys",
    ),
    ConfigKey(
        "SQLALCHEMY_COMMIT_ON_TEARDOWN",
        False,
        boolean,
        "Commit the session of a request that ends with a status below 400",
    ),
    ConfigKey(
        "SQLALCHEMY_TRACK_MODIFICATIONS",
        False,
        boolean,
        "Accepted from Flask and ignored: listen to SQLAlchemy's session events instead",
    ),
)
