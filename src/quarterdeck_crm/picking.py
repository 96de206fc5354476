"""One row chosen out of thousands by a text field, with or without JavaScript.

The field holds a label, "name · code". Suggestions fill it with whole labels; somebody who
types only a part of a name gets the row if it is the only one, and the candidates if not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from .models import Account, Good
from .searching import matching

Row = TypeVar("Row", Account, Good)

SEPARATOR = " · "
MOST_CANDIDATES = 20


def label(row: Account | Good) -> str:
    """Return the words that stand for exactly this row."""
    return f"{row.name}{SEPARATOR}{row.code or f'#{row.id}'}"


async def pick(
    session: AsyncSession, model: type[Row], texts: Iterable[str]
) -> dict[str, Sequence[Row]]:
    """Return by text the rows that it may mean: exactly one if there is no doubt.

    A label or a code means its row even if that is archived; other words search only what is
    in use.
    """
    wanted = {text: text.rpartition(SEPARATOR)[2].strip() for text in texts}
    known = {_key(row): row for row in await _by_key(session, model, set(wanted.values()))}
    found: dict[str, Sequence[Row]] = {}
    for text, key in wanted.items():
        row = known.get(key.casefold())
        found[text] = [row] if row else await suggest(session, model, q=text)
        exact = [row for row in found[text] if row.name.casefold() == text.casefold()]
        if len(exact) == 1:
            found[text] = exact
    return found


async def suggest(
    session: AsyncSession, model: type[Row], *, q: str, limit: int = MOST_CANDIDATES
) -> Sequence[Row]:
    """Return the rows in use that match what was typed so far, by name."""
    statement = (
        select(model)
        .where(model.archived_at.is_(None), *matching(q, model))
        .order_by(model.name, model.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


def _key(row: Account | Good) -> str:
    return (row.code or f"#{row.id}").casefold()


async def _by_key(session: AsyncSession, model: type[Row], keys: set[str]) -> Sequence[Row]:
    ids = [int(key[1:]) for key in keys if key.startswith("#") and key[1:].isdecimal()]
    conditions: list[ColumnElement[bool]] = [model.code.in_(keys)]
    if ids:
        conditions.append(model.id.in_(ids) & model.code.is_(None))
    return (await session.scalars(select(model).where(or_(*conditions)))).all()
