"""``crm search``: make the search words and the keys of likely duplicates again."""

from __future__ import annotations

import click

from quarterdeck.commands import AppGroup
from quarterdeck_crm.extensions import db
from quarterdeck_crm.schema import check_schema

from .duplicate_index import index_all_duplicates
from .word_index import index_everything

search = AppGroup("search", help="The words that searches find, and the keys of likely duplicates.")


@search.command()
async def rebuild() -> None:
    """Write all search words and all likely duplicates again, in one transaction.

    Pairs that were marked as no duplicates stay marked.
    """
    await check_schema()
    async with db.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(index_everything)
        await connection.run_sync(index_all_duplicates)
    click.echo("Wrote the search words and the likely duplicates.")
