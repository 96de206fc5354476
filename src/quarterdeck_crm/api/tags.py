"""The tags for programs; those of a record are one of its fields."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras import tags
from quarterdeck_crm.models import TagColour

from . import bp
from . import fields as f
from .answers import Answer
from .operations import operation
from .schemas import Representation


class TagItem(Representation):
    """A tag."""

    id: f.Id
    name: f.TagName
    colour: Annotated[TagColour, Meta(description="The colour on pages.")]


class Tags(Struct, kw_only=True):
    """All tags by name."""

    items: list[TagItem]


@bp.get("/tags")
@operation("Tags", answers=Tags)
async def list_tags() -> Answer:
    """List all tags."""
    found = await tags.list_tags(db.session)
    return Answer(Tags(items=[TagItem.of(tag) for tag in found]))
