"""PostgreSQL behind PgBouncer: a connection keeps its settings, which are our time limits."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from quarterdeck.app import Quart
from quarterdeck.exceptions import DatabaseTimeoutError
from quarterdeck.sqlalchemy import SQLAlchemy
from tests import servers
from tests.servers import Server, free_port
from tests.services import require_program

pytestmark = pytest.mark.feature("D1", "D7")

CONFIGURATION = """
[databases]
postgres = host=127.0.0.1 port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = session
"""


@pytest.fixture
def bouncer(postgres: Server) -> Iterator[Server]:
    """A PgBouncer as it is installed, with the pools that asyncpg needs. It refuses to be root."""
    program = require_program("PgBouncer", "/usr/sbin/pgbouncer", "pgbouncer")
    own = free_port()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    file = folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(port=postgres.port, own=own))
    other: list[str] = []
    if os.geteuid() == 0:
        folder.chmod(0o755)
        other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    with servers.running(Server([*other, program, str(file)], own)) as server:
        yield server
    shutil.rmtree(folder)


async def test_the_limits_are_those_of_a_direct_connection(
    bouncer: Server, caplog: pytest.LogCaptureFixture
) -> None:
    app = Quart(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = (
        f"postgresql://postgres@127.0.0.1:{bouncer.port}/postgres"
    )
    app.config["SQLALCHEMY_QUERY_TIMEOUT_SECONDS"] = 0.5
    db = SQLAlchemy(app)
    caplog.set_level("INFO", "quarterdeck.sqlalchemy")
    async with app.app_context():
        for _ in range(2):
            shown = [
                await db.session.scalar(text(f"SHOW {name}"))
                for name in ("timezone", "lock_timeout", "statement_timeout")
            ]
            assert shown == ["UTC", "3s", "500ms"]
            await db.session.remove()
            await db.dispose()  # the next connection is a new one
        with pytest.raises(DatabaseTimeoutError, match="statement timeout"):
            await db.session.execute(text("SELECT pg_sleep(5)"))
        await db.session.rollback()
        added = await db.session.scalar(text("SELECT CAST(:number AS int) + 1"), {"number": 1})
        assert added == 2, "the connection is still good"
        await db.session.remove()
        await db.dispose()
    assert caplog.text.count("PgBouncer refuses settings") == 1
