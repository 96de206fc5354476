"""One row chosen out of thousands by a text field, with or without JavaScript.

The field holds a label, "name · code". Suggestions fill it with whole labels. A user that
types only a part of a name gets the row if it is the only one, and the candidates if not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import Account, Good, Person
from quarterdeck_crm.models.collation import code_key, same_key
from quarterdeck_crm.validation.numbers import row_id

from .conditions import matching

Row = TypeVar("Row", Account, Good, Person)

SEPARATOR = " · "
MAX_CANDIDATES = 20


def label(row: Account | Good | Person) -> str:
    """Return the words that stand for exactly this row."""
    return f"{row.name}{SEPARATOR}{_code(row)}"


async def pick(
    session: AsyncSession, model: type[Row], texts: Iterable[str]
) -> dict[str, Sequence[Row]]:
    """Return by text the rows that it may mean: exactly one if there is no doubt.

    A label or a code means its row even if that is archived; other words search only rows
    in use.
    """
    wanted = {text: text.rpartition(SEPARATOR)[2].strip() for text in texts}
    known = {_key(row): row for row in await _by_key(session, model, set(wanted.values()))}
    found: dict[str, Sequence[Row]] = {}
    for text, key in wanted.items():
        row = known.get(same_key(key))
        found[text] = [row] if row else await suggest(session, model, q=text)
        exact = [row for row in found[text] if same_key(row.name) == same_key(text)]
        if len(exact) == 1:
            found[text] = exact
    return found


async def suggest(
    session: AsyncSession, model: type[Row], *, q: str, limit: int = MAX_CANDIDATES
) -> Sequence[Row]:
    """Return the active rows that match the text typed so far, by name; ``#12`` is an id."""
    if (id_ := _id_in(q)) is not None:
        row = await session.get(model, id_)
        return [row] if row is not None and row.archived_at is None else []
    statement = (
        select(model)
        .where(model.archived_at.is_(None), *matching(q, model))
        .order_by(model.name_key, model.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


def _key(row: Account | Good | Person) -> str:
    return same_key(_code(row))


def _code(row: Account | Good | Person) -> str:
    code = None if isinstance(row, Person) else row.code  # people have none
    return code or f"#{row.id}"


def _id_in(text: str) -> int | None:
    """Return the id in a text such as ``#12``."""
    text = text.strip()
    return row_id(text[1:]) if text[:1] == "#" else None


async def _by_key(session: AsyncSession, model: type[Row], keys: set[str]) -> Sequence[Row]:
    ids = [id_ for key in keys if (id_ := _id_in(key)) is not None]
    if issubclass(model, Person):
        return (await session.scalars(select(model).where(model.id.in_(ids)))).all() if ids else ()
    conditions: list[ColumnElement[bool]] = [model.code_key.in_([code_key(key) for key in keys])]
    if ids:
        conditions.append(model.id.in_(ids) & model.code.is_(None))
    return (await session.scalars(select(model).where(or_(*conditions)))).all()
