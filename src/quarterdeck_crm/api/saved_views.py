"""Saved views of lists for programs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec import UNSET, Meta, Struct, UnsetType
from quart import request
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm import models
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models.saved_view import MAX_ARGUMENTS
from quarterdeck_crm.saved_views import services
from quarterdeck_crm.validation.numbers import MAX_INTEGER

from . import bp
from . import fields as f
from .answers import NOTHING, Answer
from .bodies import Needs
from .etags import etag_of, expected_version
from .idempotency import once
from .operations import operation
from .schemas import Body, Representation

GROUP = "Views"
Lists = Annotated[
    Literal["accounts", "deals", "goods", "orders", "people", "tasks"],
    Meta(description="The list."),
]
Name = Annotated[str, f.describe(models.SavedView.name, "Its name.", "Open orders")]
Arguments = Annotated[
    str,
    Meta(
        max_length=MAX_ARGUMENTS,
        description="The arguments of the list's page: `q`, `sort`, `columns` and its filters.",
        examples=["state=open&sort=-net"],
    ),
]
Shared = Annotated[bool, Meta(description="Whether all users see it.")]
Position = Annotated[
    int,
    Meta(ge=0, le=MAX_INTEGER, description="Its place among the views of a list.", examples=[1]),
]


class ViewQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    records: Lists


class ViewBody(Struct, kw_only=True, forbid_unknown_fields=True):
    records: Lists
    name: Annotated[str, Meta(min_length=1, max_length=60, description="Its name.")]
    arguments: Arguments = ""
    is_shared: Shared = False


class ViewChange(Body):
    required: ClassVar = ()

    name: Annotated[str, Meta(min_length=1, max_length=60, description="Its name.")] | UnsetType = (
        UNSET
    )
    arguments: Arguments | UnsetType = UNSET
    is_shared: Shared | UnsetType = UNSET
    position: Position | UnsetType = UNSET


class View(Representation):
    """A saved view of a list."""

    id: f.Id
    records: Lists
    name: Name
    arguments: Arguments
    is_shared: Shared
    position: Position
    owner_id: f.Id

    @classmethod
    def of(cls, row: Any) -> Self:
        view: models.SavedView = row
        return cls(
            id=view.id,
            records=view.page,  # type: ignore[arg-type]  # one of the lists
            name=view.name,
            arguments=view.arguments,
            is_shared=view.is_shared,
            position=view.position,
            owner_id=view.owner_id,
        )


class Views(Struct, kw_only=True):
    """The saved views of a list, in their order."""

    items: list[View]


@bp.get("/views")
@operation(GROUP, query=ViewQuery, answers=Views)
async def list_views(query_args: ViewQuery) -> Answer:
    """List your views of a list, and the shared ones."""
    found = await services.list_views(db.session, page=query_args.records, actor=current_user)
    return Answer(Views(items=[View.of(view) for view in found]))


@bp.post("/views")
@operation(GROUP, body=ViewBody, answers=View, status=201, repeatable=True)
async def create_view(data: ViewBody) -> Answer:
    """Save a view of a list.

    Moderators and administrators can share it with all users.
    """

    async def work(session: AsyncSession) -> Answer:
        view = await services.create_view(
            session,
            actor=current_user,
            page=data.records,
            values={
                "name": data.name,
                "arguments": data.arguments,
                "is_shared": data.is_shared,
            },
        )
        url = f"{request.root_path}{request.path}/{view.id}"
        return Answer(View.of(view), 201, etag_of(view), location=url)

    return await once(data, work)


@bp.get("/views/<int:view_id>")
@operation(GROUP, answers=View)
async def read_view(view_id: int) -> Answer:
    """Read a view."""
    view = await services.get_view(db.session, view_id=view_id, actor=current_user)
    return Answer(View.of(view), etag=etag_of(view))


@bp.patch("/views/<int:view_id>")
@operation(GROUP, body=ViewChange, needs=Needs.NONE, answers=View, locks=True)
async def change_view(view_id: int, data: ViewChange) -> Answer:
    """Change a view of your own; moderators and administrators may change shared ones."""
    async with db.transaction() as session:
        view = await services.get_view(session, view_id=view_id, actor=current_user)
        await services.update_view(
            session,
            actor=current_user,
            view=view,
            values=data.given(),
            version=expected_version(view),
        )
        return Answer(View.of(view), etag=etag_of(view))


@bp.delete("/views/<int:view_id>")
@operation(GROUP, status=204, locks=True)
async def delete_view(view_id: int) -> Answer:
    """Delete a view; the records that it shows stay."""
    async with db.transaction() as session:
        view = await services.get_view(session, view_id=view_id, actor=current_user)
        expected_version(view)
        await services.delete_view(session, actor=current_user, view=view)
    return NOTHING
