"""Where a database stands, without Alembic; the answers must be those of Alembic."""

from __future__ import annotations

import pytest

from quarterdeck import migrate as db_migrate
from quarterdeck.migrate import standing

from .migrate_app import Harbour
from .migrate_app import _harbour as _harbour

pytestmark = pytest.mark.feature("G1")


async def ids_of_alembic() -> tuple[frozenset[str], frozenset[str]]:
    return (
        frozenset(one.id for one in await db_migrate.current()),
        frozenset(one.id for one in await db_migrate.heads()),
    )


async def test_it_is_that_of_alembic(harbour: Harbour) -> None:
    found = await standing()
    assert (found.applied, found.heads, found.is_current) == (frozenset(), frozenset(), True)

    first = await db_migrate.revision(message="first")
    assert (await standing()).heads == {first.id}
    assert not (await standing()).is_current
    assert not harbour.file.exists()

    await db_migrate.upgrade()
    found = await standing()
    assert (found.applied, found.heads) == await ids_of_alembic()
    assert found.is_current

    await db_migrate.downgrade(revision="base")
    assert not (await standing()).applied


async def test_branches_that_were_joined(harbour: Harbour) -> None:
    """A merge comes after several scripts; it may be written in several lines."""
    root = await db_migrate.revision(message="root")
    left = await db_migrate.revision(message="left", head=root.id)
    right = await db_migrate.revision(message="right", head=root.id, splice=True)
    assert (await standing()).heads == {left.id, right.id}

    merged = await db_migrate.merge(message="join")
    text = merged.path.read_text("utf-8")
    one_line = next(line for line in text.splitlines() if line.startswith("down_revision"))
    lines = f"down_revision: tuple[str, ...] = (\n    '{left.id}',\n    '{right.id}',\n)"
    merged.path.write_text(text.replace(one_line, lines), "utf-8")

    await db_migrate.upgrade()
    found = await standing()
    assert (found.applied, found.heads) == await ids_of_alembic()
    assert found.heads == {merged.id}


async def test_a_revision_without_a_script_is_unknown(harbour: Harbour) -> None:
    await db_migrate.revision(message="first")
    await db_migrate.upgrade()
    harbour.write("UPDATE alembic_version SET version_num = 'future'")

    found = await standing()

    assert found.unknown == {"future"}
    assert not found.is_current
