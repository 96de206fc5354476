"""The tags and custom fields of records in responses, read for all records at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol, TypeVar

from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.extras.reading import Record, read_extras
from quarterdeck_crm.history.recording import plain
from quarterdeck_crm.validation.numbers import MAX_INTEGER

Tag = Annotated[int, Meta(ge=1, le=MAX_INTEGER, description="Only those with the tag of this id.")]

Field = Annotated[
    str,
    Meta(
        max_length=250,
        description="The key of a custom field and a value, such as `colour:red`. Numbers and days "
        "may be ranges: `size:10..20`, `since:2026-01-01..`. Texts are found by their beginning.",
    ),
]


class Extended(Protocol):
    """A representation of a record."""

    id: int
    tags: list[str]
    fields: dict[str, str | bool]


E = TypeVar("E", bound=Extended)


async def with_extras(session: AsyncSession, model: type[Record], items: Sequence[E]) -> list[E]:
    """Fill in the extras of representations, and return them."""
    extras = await read_extras(session, model, [item.id for item in items])
    for item in items:
        item.tags = [tag.name for tag in extras.tags_of(item.id)]
        item.fields = {key: plain(value) for key, value in extras.values_of(item.id).items()}
    return [*items]


async def with_extras_of(session: AsyncSession, model: type[Record], item: E) -> E:
    """Fill in the extras of one representation, and return it."""
    return (await with_extras(session, model, [item]))[0]
