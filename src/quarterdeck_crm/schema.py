"""Whether the tables are those that this version of the CRM works with."""

from __future__ import annotations

from quarterdeck.exceptions import RevisionNotFoundError
from quarterdeck.migrate import current, heads, upgrade

from .errors import SchemaMismatchError


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
