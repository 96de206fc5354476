"""Rules for databases, for ``quarterdeck check``."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from quart import Quart
from sqlalchemy.engine import URL, make_url

from quarterdeck._findings import Problem, Severity, Target, rule

from .urls import is_postgresql, is_sqlite

URI = "SQLALCHEMY_DATABASE_URI"
#: Connections that a server accepts without a setting of the operator.
MYSQL_CONNECTIONS = 151
POSTGRESQL_CONNECTIONS = 100
#: Values of libpq's 'sslmode' with which a connection may be in clear.
OPTIONAL_TLS = frozenset({"disable", "allow", "prefer"})


def _url(app: Quart) -> URL | None:
    uri = app.config.get(URI)
    return None if uri is None else make_url(uri)


@rule("QD401", Severity.WARNING, "The database is an SQLite file: it serves one machine only.")
def sqlite_file(target: Target) -> Iterator[Problem]:
    url = _url(target.app)
    if url is not None and is_sqlite(url):
        yield Problem(
            URI, "is an SQLite file: one machine only", "Use a database server for several."
        )


@rule("QD402", Severity.WARNING, "`SQLALCHEMY_ECHO` is on: the log holds the entries of users.")
def echo(target: Target) -> Iterator[Problem]:
    if target.get("SQLALCHEMY_ECHO"):
        yield Problem("SQLALCHEMY_ECHO", "is on: the log holds what users enter", "Remove it.")


@rule("QD403", Severity.WARNING, "The app signs in to the database as its administrator.")
def superuser(target: Target) -> Iterator[Problem]:
    url = _url(target.app)
    if url is not None and url.username in {"root", "postgres"}:
        problem = f"signs in as {url.username!r}: a mistake of the app can drop all databases"
        yield Problem(URI, problem, "Create a user with rights on this database only.")


@rule("QD404", Severity.ERROR, "The password of the database is missing.")
def password(target: Target) -> Iterator[Problem]:
    url = _url(target.app)
    if url is None or is_sqlite(url) or url.host is None or "unix_socket" in url.query:
        return
    if not url.password:
        problem = "has no password: anyone who reaches the database can read it"
        yield Problem(URI, problem, "Give the user a password.")


@rule(
    "QD405", Severity.WARNING, "The connection to a database on another machine is not encrypted."
)
def encryption(target: Target) -> Iterator[Problem]:
    url = _url(target.app)
    if url is None or is_sqlite(url) or url.host is None or _is_local(url.host):
        return
    options = target.get("SQLALCHEMY_ENGINE_OPTIONS") or {}
    names = {*url.query, *options.get("connect_args", {})}
    if url.query.get("sslmode") in OPTIONAL_TLS:
        names.discard("sslmode")
    if not any(name.startswith("ssl") for name in names):
        problem = f"reaches {url.host!r} without TLS: the network can read and change the data"
        remedy = "Pass 'ssl' in the 'connect_args' of SQLALCHEMY_ENGINE_OPTIONS, or silence this."
        yield Problem(URI, problem, remedy)


@rule("QD406", Severity.WARNING, "All workers open more connections than the server accepts.")
def pool(target: Target) -> Iterator[Problem]:
    url = _url(target.app)
    size = target.get("SQLALCHEMY_POOL_SIZE", 0) + target.get("SQLALCHEMY_MAX_OVERFLOW", 0)
    most = size * target.workers
    if url is None or is_sqlite(url):
        return
    server, accepted = "MySQL", MYSQL_CONNECTIONS
    if is_postgresql(url):
        server, accepted = "PostgreSQL", POSTGRESQL_CONNECTIONS
    if most > accepted:
        problem = (
            f"allows {most} connections in {target.workers} workers; {server} accepts "
            f"{accepted} by default"
        )
        yield Problem("SQLALCHEMY_POOL_SIZE", problem, "Lower it, or raise 'max_connections'.")


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


RULES = (sqlite_file, echo, superuser, password, encryption, pool)
