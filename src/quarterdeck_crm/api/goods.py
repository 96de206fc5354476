"""The goods for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from quart import current_app, url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods import services
from quarterdeck_crm.models import Good

from . import bp, schemas
from .answers import NOTHING, Answer
from .bodies import Needs
from .etags import etag_of, expected_version
from .extras import Field, Tag, with_extras, with_extras_of
from .idempotency import once
from .operations import operation
from .pagination import Archived, Least, ListQuery, Most, listing_of, page_fields, sort
from .schemas import GoodBody

GROUP = "Goods"


class GoodQuery(ListQuery):
    sort: Annotated[str, sort(services.SORTS)] = "name"
    category: Annotated[str, Meta(description="Only those listed under it.")] = ""
    stock: Annotated[Literal["some", "none"], Meta(description="Left in stock or not.")] | None = (
        None
    )
    archived: Archived = False
    price_from: Least | None = None
    price_to: Most | None = None
    tag: Tag | None = None
    field: Field | None = None


@bp.get("/goods")
@operation(GROUP, query=GoodQuery, answers=schemas.GoodPage)
async def list_goods(query_args: GoodQuery) -> Answer:
    """List goods.

    Words are looked for in name, code and category.
    """
    page = await services.list_goods(
        db.session, listing=listing_of(query_args, filters=services.FILTERS, ranges=services.RANGES)
    )
    found = [schemas.Good.of(good) for good in page]
    items = await with_extras(db.session, Good, found)
    return Answer(schemas.GoodPage(items=items, **page_fields(page)))


@bp.post("/goods")
@operation(GROUP, body=GoodBody, answers=schemas.Good, status=201, repeatable=True)
async def create_good(data: GoodBody) -> Answer:
    """Add a good to the goods; moderators may."""
    values = {"currency": current_app.config["CURRENCY"]} | data.given()

    async def work(session: AsyncSession) -> Answer:
        good = await services.create_good(session, actor=current_user, values=values)
        url = url_for("api.read_good", good_id=good.id)
        return await _answer(session, good.id, status=201, location=url)

    return await once(data, work)


@bp.get("/goods/<int:good_id>")
@operation(GROUP, answers=schemas.Good)
async def read_good(good_id: int) -> Answer:
    """Read a good, also an archived one."""
    return await _answer(db.session, good_id)


@bp.put("/goods/<int:good_id>")
@operation(GROUP, body=GoodBody, needs=Needs.ALL, answers=schemas.Good, locks=True)
async def replace_good(good_id: int, data: GoodBody) -> Answer:
    """Replace all fields of a good.

    All must be there, so that none is emptied by mistake.
    """
    return await _update(good_id, data)


@bp.patch("/goods/<int:good_id>")
@operation(GROUP, body=GoodBody, needs=Needs.NONE, answers=schemas.Good, locks=True)
async def change_good(good_id: int, data: GoodBody) -> Answer:
    """Change some fields of a good; null empties one."""
    return await _update(good_id, data)


@bp.delete("/goods/<int:good_id>")
@operation(GROUP, status=204, locks=True)
async def archive_good(good_id: int) -> Answer:
    """Take a good off sale.

    Orders keep it, and so does the goods: `archived_at` tells when it was put away.
    """
    async with db.transaction() as session:
        good = await services.get_good(session, good_id=good_id)
        expected_version(good)
        await services.archive_good(session, actor=current_user, good=good)
    return NOTHING


@bp.post("/goods/<int:good_id>/restore")
@operation(GROUP, answers=schemas.Good, conflicts=True)
async def restore_good(good_id: int) -> Answer:
    """Put an archived good on sale again."""
    async with db.transaction() as session:
        good = await services.get_good(session, good_id=good_id)
        await services.restore_good(session, actor=current_user, good=good)
        return await _answer(session, good_id)


async def _update(good_id: int, data: GoodBody) -> Answer:
    async with db.transaction() as session:
        good = await services.get_good(session, good_id=good_id)
        await services.update_good(
            session,
            actor=current_user,
            good=good,
            values=data.given(),
            version=expected_version(good),
        )
        return await _answer(session, good_id)


async def _answer(
    session: AsyncSession, good_id: int, *, status: int = 200, location: str | None = None
) -> Answer:
    """Return the good as it is stored, so that every answer equals that of a read."""
    good = await services.get_good(session, good_id=good_id)
    body = await with_extras_of(session, Good, schemas.Good.of(good))
    return Answer(body, status, etag_of(good, [*body.tags, *body.fields]), location=location)
