"""From every revision with rows in it to the newest, and back: nothing is lost, nothing drifts."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from quart import Quart
from sqlalchemy import Column, Connection, MetaData, Table, types

from quarterdeck import migrate
from quarterdeck_crm import create_app, paths
from quarterdeck_crm.extensions import db
from tests import databases

pytestmark = pytest.mark.feature("G1")

FILE = "crm.db"
Rows = dict[str, list[dict[str, Any]]]  # by the name of the table

# What stands in columns whose values the schema or the models restrict.
VALUES = {
    "mail_outbox.recipients": "[]",
    "mail_outbox.options": "{}",
    "attachment.deal_id": None,  # it has an account
    "attachment.order_id": None,
    "user.role": "USER",
    "order.state": "DRAFT",
    "activity.changes": "{}",
    "audit_event.detail": "{}",
    "task.due_time": "09:30",
    "notification.kind": "MENTION",
    "undo_item.before": "{}",
    "bulk_run.ids": "[]",
    "bulk_run.refused": "[]",
    "custom_field.options": "[]",
}


def revisions() -> list[str]:
    """Return the ids of all revisions, the oldest first."""
    scripts = ScriptDirectory(str(paths.MIGRATIONS)).walk_revisions()
    return [script.revision for script in scripts][::-1]


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the revision before, without rows, on SQLite: it saves half of the way."""
    return tmp_path_factory.mktemp("reached") / "reached.db"


@pytest.fixture
def early(tmp_path: Path, reached: Path) -> Quart:
    """An app whose database is not there yet, or is that of the revision before."""
    if reached.exists():
        shutil.copy(reached, tmp_path / FILE)
    uri = databases.uri(tmp_path, FILE)
    return create_app("testing", INSTANCE=str(tmp_path), DATABASE_URL=uri)


@pytest.mark.parametrize("revision", revisions())
async def test_rows_of_each_revision_survive_the_way_up_and_down(
    early: Quart, revision: str, tmp_path: Path, reached: Path
) -> None:
    async with early.test_app(), early.app_context():
        await migrate.upgrade(revision=revision)
        if databases.is_sqlite():
            copy(tmp_path / FILE, reached)
        async with db.engine.begin() as connection:
            filled = await connection.run_sync(fill)
        assert "order" in filled

        await migrate.upgrade()
        await migrate.check()
        assert_kept(filled, await read())

        await migrate.downgrade(revision=revision)
        assert_kept(filled, await read())


def copy(source: Path, target: Path) -> None:
    """Copy a database that is in use."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as write:
        read.backup(write)


async def read() -> Rows:
    async with db.engine.connect() as connection:
        return await connection.run_sync(rows_of)


def rows_of(connection: Connection) -> Rows:
    """Return the rows of each table."""
    return {
        table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
        for table in tables(connection)
    }


def tables(connection: Connection) -> list[Table]:
    """Return all tables as they are in the database, the referenced ones first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def fill(connection: Connection) -> Rows:
    """Put a row into each empty table, and return them all as they are stored."""
    for table in tables(connection):
        if connection.execute(table.select().limit(1)).first() is not None:
            continue  # the migration has put it there
        row = {column.name: value_for(column) for column in table.columns}
        connection.execute(table.insert().values(row))
    return rows_of(connection)


def value_for(column: Column[Any]) -> Any:
    """Return something that the column takes; all keys are 1, and so are all references."""
    name = f"{column.table.name}.{column.name}"
    if name in VALUES:
        return VALUES[name]
    match column.type:
        case types.DateTime():
            return datetime(2026, 11, 21, 12, 30)  # noqa: DTZ001 - as it is stored
        case types.Date():
            return date(2026, 11, 21)
        case types.LargeBinary():
            return b"\x00\xff"
        case types.String():
            return f"{column.name} 🚢"[: column.type.length or 80]
        case _:
            return 1


def assert_kept(before: Rows, after: Rows) -> None:
    """Check that each row is there, in the columns that there still are; more may have come."""
    for name, rows in before.items():
        present = set(after[name][0])
        for row in rows:
            wanted = {key: value for key, value in row.items() if key in present}
            assert wanted, name
            assert any(wanted.items() <= found.items() for found in after[name]), (name, wanted)
