"""Mentions in notes: ``@`` and the name of a colleague, as the page of the team shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import User
from quarterdeck_crm.models.collation import sort_key
from quarterdeck_crm.search.conditions import begins

MAX_MENTIONS = 20  # of one note; further ones are text only
MAX_SUGGESTED = 8
MAX_NAME = 120
MAX_ENDS = 12  # places at which a name may end
# Not within an address such as ada@example.com.
_SIGN = re.compile(r"(?<![A-Za-z0-9_@.])@(?=\S)")


def candidates(body: str) -> list[list[str]]:
    """Return for each mention the keys of the names that it may mean, the longest first.

    Names have spaces, and nothing marks their end: "@Ada Anker calls" may mean "Ada", "Ada Anker"
    or "Ada Anker calls".
    """
    found: list[list[str]] = []
    for sign in _SIGN.finditer(body):
        if len(found) == MAX_MENTIONS:
            break
        line = body[sign.end() : sign.end() + MAX_NAME].splitlines()[0]
        keys = [sort_key(line[:end], MAX_NAME) for end in _ends(line)]
        found.append(list(dict.fromkeys(key for key in reversed(keys) if key)))
    return found


def _ends(line: str) -> Iterator[int]:
    """Yield the first places at which a word ends; Chinese words end after each character."""
    count = 0
    for place in range(1, len(line) + 1):
        before, after = line[place - 1], line[place : place + 1]
        is_end = not before.isspace() and (not after.isalnum() or after >= "\u2e80")
        if is_end or before >= "\u2e80":
            yield place
            count += 1
            if count == MAX_ENDS:
                return


async def find_mentioned(session: AsyncSession, body: str) -> dict[int, str]:
    """Return the active users that a text mentions, their names by id, in one statement.

    A name that two users share means both.
    """
    mentions = candidates(body)
    keys = {key for each in mentions for key in each}
    if not keys:
        return {}
    statement = select(User.name_key, User.id, User.name)
    users: dict[str, dict[int, str]] = {}
    for key, id_, name in await session.execute(
        statement.where(User.name_key.in_(keys), User.is_active)
    ):
        users.setdefault(key, {})[id_] = name
    found: dict[int, str] = {}
    for each in mentions:
        found |= next((users[key] for key in each if key in users), {})
    return found


async def suggest_colleagues(session: AsyncSession, *, q: str) -> Sequence[str]:
    """Return the names of active users that begin with the text typed so far."""
    statement = (
        select(User.name)
        .where(User.is_active, *([begins(User.name_key, q)] if q.strip() else []))
        .order_by(User.name_key, User.id)
        .limit(MAX_SUGGESTED)
    )
    return (await session.scalars(statement)).all()
