"""The database under the tests: SQLite, or a server of the test process's own.

``pytest --database aiomysql`` or ``CRM_TEST_DATABASE=aiomysql`` chooses. The server starts when
a test first asks for a database, and ends with the run. ``asyncpg`` is PostgreSQL, for the tests
of the kit only.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from sqlalchemy import Engine, MetaData, create_engine, inspect, text
from sqlalchemy.engine import make_url

from tests.servers import PostgreSQL, Server, mariadb, postgresql

MAX_UNUSED = 25
NAMES = ("sqlite", "aiomysql", "asyncmy", "asyncpg")


@dataclass
class _Run:
    """What this run of the tests uses."""

    name: str = "sqlite"
    server: Server | None = None
    folder: Path | None = None
    made: dict[Path, str] = field(default_factory=dict)  # names of databases by their folders
    unused: list[str] = field(default_factory=list)


_run = _Run()


def choose(name: str) -> None:
    """Run the tests on SQLite, or on a server through one of its drivers."""
    assert name in NAMES, f"'{name}' is no database for tests: choose one of {', '.join(NAMES)}"
    _run.name = name
    if not is_sqlite():
        import_module(name)  # it reads files, which the event loop of the first test may not


def is_sqlite() -> bool:
    return _run.name == "sqlite"


def is_postgresql() -> bool:
    return _run.name == "asyncpg"


def uri(folder: Path, file: str = "test.db") -> str:
    """Return where the database of a folder is: a file in it, or a schema named after it.

    It is made by ``db.create_database()``, or by a migration.
    """
    if is_sqlite():
        return f"sqlite+aiosqlite:///{folder / file}"
    name = hashlib.sha1(str(folder / file).encode(), usedforsecurity=False).hexdigest()[:20]
    _run.made[folder] = f"t_{name}"
    scheme, user = ("postgresql", "postgres") if is_postgresql() else ("mysql", "root")
    return f"{scheme}+{_run.name}://{user}@127.0.0.1:{_started().port}/t_{name}"


def forget(folder: Path) -> None:
    """Drop the database of a folder that no test needs any more, on PostgreSQL.

    There each takes 7 MB. To be quick, several are dropped at a time.
    """
    if name := _run.made.pop(folder, None):
        _run.unused.append(name)
    if len(_run.unused) >= MAX_UNUSED and isinstance(_run.server, PostgreSQL):
        _run.server.run_sql(*(f"DROP DATABASE IF EXISTS {it} WITH (FORCE)" for it in _run.unused))
        _run.unused.clear()


def environment(folder: Path) -> dict[str, str]:
    """Return the variables that put the CRM of a folder on the database of this run."""
    return {} if is_sqlite() else {"DATABASE_URL": uri(folder)}


def access(folder: Path) -> tuple[list[str], str]:
    """Return the options with which MariaDB's programs reach the server, and the schema."""
    url = make_url(uri(folder))
    options = [
        "--no-defaults",
        f"--host={url.host}",
        f"--port={url.port}",
        f"--user={url.username}",
    ]
    return options, str(url.database)


def copy(original: Path, folder: Path) -> None:
    """Copy the database of the CRM of a folder to that of another one.

    On SQLite it is a file, which comes with the instance folder.
    """
    if is_sqlite():
        return
    source, target = (
        make_url(uri(each)).set(drivername="mysql+pymysql") for each in (original, folder)
    )
    engine = create_engine(target)
    _make_schema(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET foreign_key_checks = 0")
        for name in inspect(connection).get_table_names(schema=source.database):
            table = f"`{source.database}`.`{name}`"
            made = connection.exec_driver_sql(f"SHOW CREATE TABLE {table}").one()[1]
            connection.exec_driver_sql(made.replace("%", "%%"))
            copying = f"INSERT INTO `{name}` SELECT * FROM {table}"  # noqa: S608
            connection.exec_driver_sql(copying)
    engine.dispose()


def stop() -> None:
    """End the server and remove its files."""
    if _run.server is not None:
        _run.server.end()
    if _run.folder is not None:
        shutil.rmtree(_run.folder, ignore_errors=True)


def _started() -> Server:
    if _run.server is None:
        _run.folder = Path(tempfile.mkdtemp(prefix="database-"))
        server = postgresql(_run.folder) if is_postgresql() else mariadb(_run.folder)
        server.start()
        _run.server = server
    return _run.server


class Emptied:
    """All tables of a schema, made once and emptied for each test.

    SQLite copies a file; on MariaDB making the tables takes longer than most tests.
    """

    def __init__(self, metadata: MetaData, folder: Path, file: str) -> None:
        self._metadata = metadata
        self._file = file
        self._folder = folder
        sync = make_url(uri(folder, file))
        drivername = "sqlite" if is_sqlite() else "mysql+pymysql"
        self._engine = create_engine(sync.set(drivername=drivername))
        if not is_sqlite():
            _make_schema(self._engine)
        metadata.create_all(self._engine)

    def uri_for(self, folder: Path) -> str:
        """Return the URI of a database with empty tables for the test that owns a folder."""
        if is_sqlite():
            shutil.copy(self._folder / self._file, folder / self._file)
            return uri(folder, self._file)
        with self._engine.begin() as connection:
            for table in reversed(self._metadata.sorted_tables):
                connection.execute(table.delete())
            counted = connection.scalars(
                text(
                    "SELECT table_name FROM information_schema.tables"
                    " WHERE table_schema = DATABASE() AND auto_increment > 1"
                )
            )
            for name in counted.all():
                connection.exec_driver_sql(f"ALTER TABLE `{name}` AUTO_INCREMENT = 1")
        return uri(self._folder, self._file)

    def close(self) -> None:
        self._engine.dispose()


def _make_schema(engine: Engine) -> None:
    server = create_engine(engine.url.set(database=""))
    with server.begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {engine.url.database} CHARACTER SET utf8mb4")
    server.dispose()
