"""Handing over the open records of a user, for programs of administrators."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from quart import url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.bulk.hand_over import get_hand_over, start_hand_over
from quarterdeck_crm.bulk.runs import work_on
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import BulkRun
from quarterdeck_crm.validation.numbers import MAX_INTEGER

from . import bp
from .answers import Answer
from .bulk_runs import Progress, progress_of
from .idempotency import once
from .operations import operation

GROUP = "Users"


class HandOverBody(Struct, kw_only=True, forbid_unknown_fields=True):
    to: Annotated[int, Meta(ge=1, le=MAX_INTEGER, description="The id of the colleague.")]
    disables: Annotated[bool, Meta(description="Whether the user is disabled, too.")] = False


class HandOver(Progress):
    """The open records of a user, given to a colleague."""

    @classmethod
    def of(cls, run: BulkRun) -> HandOver:
        return cls(**progress_of(run))


@bp.post("/users/<int:user_id>/hand-over")
@operation(GROUP, body=HandOverBody, answers=HandOver, status=202, repeatable=True)
async def hand_over(user_id: int, data: HandOverBody) -> Answer:
    """Give the open records of a user to a colleague; administrators may.

    These are accounts, open deals and orders, and tasks that are not done. The work goes on
    after the answer: read the address in `Location` until the state is `done`. If it stopped
    before its end, resume it as a bulk change. The colleague gets one notification.
    """
    started: list[BulkRun] = []

    async def work(session: AsyncSession) -> Answer:
        run, is_new = await start_hand_over(
            session,
            actor=current_user,
            user_id=user_id,
            to_id=data.to,
            disables=data.disables,
        )
        started[:] = [run] if is_new else []
        url = url_for("api.read_hand_over", key=run.key)
        return Answer(HandOver.of(run), 202, location=url)

    answer = await once(data, work)
    if not answer.replayed:
        for run in started:
            await work_on(run)
    return answer


@bp.get("/hand-overs/<key>")
@operation(GROUP, answers=HandOver)
async def read_hand_over(key: str) -> Answer:
    """Read how far a hand-over of your own is."""
    return Answer(HandOver.of(await get_hand_over(db.session, actor=current_user, key=key)))
