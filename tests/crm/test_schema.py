"""The history of the schema leads to the models, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import inspect

from quarterdeck import migrate
from quarterdeck_crm import create_app
from quarterdeck_crm.errors import SchemaMismatchError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.schema import check_schema, make_schema
from tests import databases


@pytest.fixture
def empty(tmp_path: Path) -> Quart:
    """An app whose database is not there yet."""
    return create_app("testing", INSTANCE=str(tmp_path), DATABASE_URL=databases.uri(tmp_path))


@pytest.mark.feature("G1")
async def test_migrations_agree_with_the_models(empty: Quart) -> None:
    async with empty.test_app(), empty.app_context():
        await migrate.upgrade()

        await migrate.check()
        await check_schema()


@pytest.mark.feature("G1")
async def test_downgrading_leaves_nothing(empty: Quart) -> None:
    async with empty.test_app(), empty.app_context():
        await migrate.upgrade()
        await migrate.downgrade(revision="base")

        async with db.engine.connect() as connection:
            tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())

    assert tables == ["alembic_version"]


async def test_missing_tables_are_named_with_the_cure(empty: Quart) -> None:
    async with empty.test_app(), empty.app_context():
        with pytest.raises(SchemaMismatchError, match=r"not there yet. Run 'crm db upgrade' first"):
            await check_schema()


async def test_tables_are_made_where_there_are_none(empty: Quart) -> None:
    async with empty.test_app(), empty.app_context():
        await make_schema()

        await check_schema()


async def test_tables_of_another_version_are_left_alone(empty: Quart) -> None:
    async with empty.test_app(), empty.app_context():
        await make_schema()
        async with db.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'future'")

        with pytest.raises(SchemaMismatchError, match="of a version that is not known here"):
            await make_schema()
