"""From every revision with rows in it to the next, and back: nothing is lost, nothing drifts."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from quart import Quart
from sqlalchemy import Column, Connection, MetaData, Table, inspect, types

from quarterdeck import migrate
from quarterdeck_crm import create_app, paths
from quarterdeck_crm.extensions import db
from tests import databases

pytestmark = pytest.mark.feature("G1")

FILE = "crm.db"
VERSION = "alembic_version"
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


@pytest.fixture
def early(tmp_path: Path) -> Quart:
    """An app whose database is not there yet."""
    uri = databases.uri(tmp_path, FILE)
    return create_app("testing", INSTANCE=str(tmp_path), DATABASE_URL=uri)


@pytest.mark.timeout(300)  # three migrations for each revision
async def test_rows_of_each_revision_survive_the_way_up_and_down(early: Quart) -> None:
    """One step up and down from each revision, with new rows each; a way has no other steps."""
    ways = list(pairwise(revisions()))
    async with early.test_app(), early.app_context():
        await migrate.upgrade(revision=ways[0][0])
        for revision, following in ways:
            async with db.engine.begin() as connection:
                filled = await connection.run_sync(fill)
            assert "order" in filled

            await migrate.upgrade(revision=following)
            assert_kept(filled, await read(), f"up from {revision}")

            await migrate.downgrade(revision=revision)
            assert_kept(filled, await read(), f"down to {revision}")

            await migrate.upgrade(revision=following)
        await migrate.check()


@pytest.mark.timeout(300)
async def test_rows_of_the_first_revision_survive_the_whole_way(early: Quart) -> None:
    oldest = revisions()[0]
    async with early.test_app(), early.app_context():
        await migrate.upgrade(revision=oldest)
        async with db.engine.begin() as connection:
            filled = await connection.run_sync(fill)

        await migrate.upgrade()
        assert_kept(filled, await read(), "up")

        await migrate.downgrade(revision=oldest)
        assert_kept(filled, await read(), "down")


async def read() -> Rows:
    async with db.engine.connect() as connection:
        return await connection.run_sync(rows_of)


def rows_of(connection: Connection) -> Rows:
    """Return the rows of each table as the driver gives them: to look up the types takes long."""
    quote = connection.dialect.identifier_preparer.quote
    return {
        name: [
            dict(row)
            for row in connection.exec_driver_sql(f"SELECT * FROM {quote(name)}").mappings()  # noqa: S608
        ]
        for name in inspect(connection).get_table_names()
        if name != VERSION
    }


def tables(connection: Connection) -> list[Table]:
    """Return all tables as they are in the database, the referenced ones first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSION]


def fill(connection: Connection) -> Rows:
    """Put a row into each table in the place of those that are there; return them as stored."""
    found = tables(connection)
    for table in reversed(found):
        connection.execute(table.delete())
    for table in found:
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


def assert_kept(before: Rows, after: Rows, way: str) -> None:
    """Check that each row is there, in the columns that there still are; more may have come."""
    for name, rows in before.items():
        assert after[name] or not rows, (way, name)
        present = set(after[name][0] if rows else ())
        for row in rows:
            wanted = {key: value for key, value in row.items() if key in present}
            assert wanted, (way, name)
            assert any(wanted.items() <= found.items() for found in after[name]), (
                way,
                name,
                wanted,
            )
