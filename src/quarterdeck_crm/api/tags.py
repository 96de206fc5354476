"""Tags and custom fields for programs; records have them as `tags` and `fields`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras import fields, tags
from quarterdeck_crm.models import FieldType, TagColour

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


class FieldItem(Representation):
    """A custom field."""

    id: f.Id
    kind: Annotated[str, Meta(description="`account`, `person`, `deal`, `order` or `good`.")]
    key: Annotated[str, Meta(description="The name in `fields`; it never changes.")]
    label: Annotated[str, Meta(description="The words on pages.")]
    help: Annotated[str, Meta(description="More words.")] | None
    type: Annotated[FieldType, Meta(description="The type of its values.")]
    options: Annotated[list[str], Meta(description="The texts to choose from.")]
    required: Annotated[bool, Meta(description="Whether it must have a value.")]


class Fields(Struct, kw_only=True):
    """The custom fields in use, those of a kind in their order."""

    items: list[FieldItem]


class Tags(Struct, kw_only=True):
    """All tags by name."""

    items: list[TagItem]


@bp.get("/tags")
@operation("Tags", answers=Tags)
async def list_tags() -> Answer:
    """List all tags."""
    found = await tags.list_tags(db.session)
    return Answer(Tags(items=[TagItem.of(tag) for tag in found]))


@bp.get("/fields")
@operation("Tags", answers=Fields)
async def list_custom_fields() -> Answer:
    """List the custom fields of all kinds of records."""
    found = await fields.list_fields(db.session, archived=False)
    return Answer(Fields(items=[FieldItem.of(field) for field in found]))
