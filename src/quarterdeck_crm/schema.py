"""Whether the tables are those that this version of the CRM works with."""

from __future__ import annotations

from quarterdeck.exceptions import QuarterdeckError, RevisionNotFoundError
from quarterdeck.migrate import current, heads, upgrade


class SchemaMismatchError(QuarterdeckError, RuntimeError):
    """The database has other tables than this version expects."""

    def __init__(self, found: str, remedy: str = "Run 'crm db upgrade' first.") -> None:
        super().__init__(f"The tables of the database are {found}. {remedy}")


async def check_schema() -> None:
    """Compare the migrations that were run with those that there are.

    Raises:
        SchemaMismatchError: If they differ.
    """
    applied = await _applied()
    if not applied:
        raise SchemaMismatchError("not there yet")
    if applied != {revision.id for revision in await heads()}:
        raise SchemaMismatchError("of an older version")


async def make_schema() -> None:
    """Make the tables of a database that has none.

    Raises:
        SchemaMismatchError: If it has some, of another version.
    """
    if not await _applied():
        await upgrade()
    await check_schema()


async def _applied() -> set[str]:
    try:
        return {revision.id for revision in await current()}
    except RevisionNotFoundError:
        raise SchemaMismatchError(
            "of a version that is not known here", "Install the version that made them."
        ) from None
