"""Deals for programs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from quart import current_app, url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm import models
from quarterdeck_crm.deals import queries, services
from quarterdeck_crm.deals.stages import list_stages
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import StageKind
from quarterdeck_crm.search.record_filters import follow_merged
from quarterdeck_crm.validation.numbers import MAX_INTEGER

from . import bp, schemas
from .answers import NOTHING, Answer
from .bodies import Needs
from .deal_schemas import (
    Deal,
    DealBody,
    DealMoveBody,
    DealPage,
    DealSummary,
    Stage,
    Stages,
)
from .etags import etag_of, expected_version, named_version
from .extras import Field, Tag, with_extras, with_extras_of
from .idempotency import once
from .operations import operation
from .orders import answer_order, split_lines
from .pagination import (
    Account,
    FromDay,
    Least,
    ListQuery,
    Most,
    Owner,
    Person,
    ToDay,
    listing_of,
    page_fields,
    sort,
)

GROUP = "Deals"


class DealQuery(ListQuery):
    sort: Annotated[str, sort(queries.SORTS)] = "expected"
    state: Annotated[StageKind, Meta(description="Open if not given.")] | None = None
    stage: (
        Annotated[int, Meta(ge=1, le=MAX_INTEGER, description="In the stage with this id.")] | None
    ) = None
    owner: Owner | None = None
    account: Account | None = None
    person: Person | None = None
    late: Annotated[bool, Meta(description="Expected before today.")] = False
    expected_from: FromDay | None = None
    expected_to: ToDay | None = None
    value_from: Least | None = None
    value_to: Most | None = None
    created_from: FromDay | None = None
    created_to: ToDay | None = None
    tag: Tag | None = None
    field: Field | None = None


@bp.get("/deal-stages")
@operation(GROUP, answers=Stages)
async def list_deal_stages() -> Answer:
    """List the stages of the pipeline."""
    return Answer(Stages(items=[Stage.of(stage) for stage in await list_stages(db.session)]))


@bp.get("/deals")
@operation(GROUP, query=DealQuery, answers=DealPage)
async def list_deals(query_args: DealQuery) -> Answer:
    """List deals, without their lines.

    Words are looked for in the name and in the name of the account.
    """
    listing = listing_of(query_args, filters=queries.FILTERS, ranges=queries.RANGES)
    await follow_merged(db.session, listing)
    page = await queries.list_deals(
        db.session,
        listing=listing,
        actor=current_user,
    )
    found = [DealSummary.of(deal) for deal in page]
    items = await with_extras(db.session, models.Deal, found)
    return Answer(DealPage(items=items, **page_fields(page)))


@bp.post("/deals")
@operation(GROUP, body=DealBody, answers=Deal, status=201, repeatable=True)
async def create_deal(data: DealBody) -> Answer:
    """Add a deal.

    Without an `owner_id` it belongs to you, and without a `stage_id` it is in the first stage.
    """
    values, lines = split_lines(data)
    stage_id = values.pop("stage_id", None)

    async def work(session: AsyncSession) -> Answer:
        deal = await services.create_deal(
            session,
            actor=current_user,
            values={"currency": current_app.config["CURRENCY"]} | values,
            lines=lines or [],
            stage_id=stage_id,
        )
        url = url_for("api.read_deal", deal_id=deal.id)
        return await _answer(session, deal.id, status=201, location=url)

    return await once(data, work)


@bp.get("/deals/<int:deal_id>")
@operation(GROUP, answers=Deal)
async def read_deal(deal_id: int) -> Answer:
    """Read a deal with its lines."""
    return await _answer(db.session, deal_id)


@bp.put("/deals/<int:deal_id>")
@operation(GROUP, body=DealBody, needs=Needs.ALL, answers=Deal, locks=True)
async def replace_deal(deal_id: int, data: DealBody) -> Answer:
    """Replace all fields and lines of a deal.

    All must be there, so that none is emptied by mistake. The stage must be as it is: it is
    changed by a move.
    """
    return await _update(deal_id, data)


@bp.patch("/deals/<int:deal_id>")
@operation(GROUP, body=DealBody, needs=Needs.NONE, answers=Deal, locks=True)
async def change_deal(deal_id: int, data: DealBody) -> Answer:
    """Change some fields of a deal; null empties one.

    `lines`, if given, are all its lines from now on. The stage is changed by a move.
    """
    return await _update(deal_id, data)


@bp.delete("/deals/<int:deal_id>")
@operation(GROUP, status=204, locks=True)
async def delete_deal(deal_id: int) -> Answer:
    """Delete a deal that has not become an order."""
    async with db.transaction() as session:
        deal = await services.get_deal(session, deal_id=deal_id)
        expected_version(deal)
        await services.delete_deal(session, actor=current_user, deal=deal)
    return NOTHING


@bp.post("/deals/<int:deal_id>/moves")
@operation(GROUP, body=DealMoveBody, answers=Deal, repeatable=True, may_lock=True)
async def move_deal(deal_id: int, data: DealMoveBody) -> Answer:
    """Take a deal to another stage.

    A stage for lost deals needs a `lost_reason`. With `If-Match` it moves only if it has not
    changed since.
    """

    async def work(session: AsyncSession) -> Answer:
        version = named_version(await services.get_deal(session, deal_id=deal_id))
        await services.move_deal(
            session,
            actor=current_user,
            deal_id=deal_id,
            stage_id=data.stage_id,
            lost_reason=data.lost_reason,
            version=version,
        )
        return await _answer(session, deal_id)

    return await once(data, work)


@bp.post("/deals/<int:deal_id>/order")
@operation(GROUP, answers=schemas.Order, conflicts=True)
async def make_order(deal_id: int) -> Answer:
    """Make an order of a won deal, with its lines, as a draft.

    However often this is called, one order is made; each call answers with it.
    """
    async with db.transaction() as session:
        order = await services.make_order(session, actor=current_user, deal_id=deal_id)
        return await answer_order(session, order.id)


async def _update(deal_id: int, data: DealBody) -> Answer:
    values, lines = split_lines(data)
    async with db.transaction() as session:
        deal = await services.get_deal(session, deal_id=deal_id)
        if values.pop("stage_id", deal.stage_id) != deal.stage_id:
            raise ValidationError({"stage_id": ["Move the deal to another stage."]})
        await services.update_deal(
            session,
            actor=current_user,
            deal=deal,
            values=values,
            lines=lines,
            version=expected_version(deal),
        )
        return await _answer(session, deal_id)


async def _answer(
    session: AsyncSession, deal_id: int, *, status: int = 200, location: str | None = None
) -> Answer:
    """Return the deal as it is stored, so that every answer equals that of a read."""
    deal = await services.get_deal(session, deal_id=deal_id)
    body = await with_extras_of(session, models.Deal, Deal.of(deal))
    return Answer(body, status, etag_of(deal, [*body.tags, *body.fields]), location=location)
