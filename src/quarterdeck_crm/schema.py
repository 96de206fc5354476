"""Whether the tables are those that this version of the CRM works with."""

from __future__ import annotations

from quarterdeck import migrate

from .errors import SchemaMismatchError


async def check_schema() -> None:
    """Compare the migrations that were run with those that there are.

    Raises:
        SchemaMismatchError: If they differ.
    """
    found = await migrate.standing()
    if not found.applied:
        raise SchemaMismatchError("not there yet")
    if found.unknown:
        raise SchemaMismatchError(
            "of a version that is not known here", "Install the version that made them."
        )
    if not found.is_current:
        raise SchemaMismatchError("of an older version")


async def make_schema() -> None:
    """Make the tables of a database that has none.

    Raises:
        SchemaMismatchError: If it has some, of another version.
    """
    if not (await migrate.standing()).applied:
        await migrate.upgrade()
    await check_schema()
