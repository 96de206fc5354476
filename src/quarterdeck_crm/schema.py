"""Whether the tables are those that this version of the CRM works with."""

from __future__ import annotations

from quarterdeck.exceptions import QuarterdeckError
from quarterdeck.migrate import current, heads


class OutdatedSchemaError(QuarterdeckError, RuntimeError):
    """The database has other tables than this version expects."""

    def __init__(self, found: str) -> None:
        super().__init__(f"The tables of the database are {found}. Run 'crm db upgrade' first.")


async def check_schema() -> None:
    """Compare the migrations that were run with those that there are.

    Raises:
        OutdatedSchemaError: If they differ.
    """
    applied = {revision.id for revision in await current()}
    if applied != {revision.id for revision in await heads()}:
        raise OutdatedSchemaError("of another version" if applied else "not there yet")
