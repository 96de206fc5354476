"""Bulk changes that run in the background: how far they are, and their resumption."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from quarterdeck.login import current_user
from quarterdeck_crm.bulk.runs import get_run, is_interrupted, resume_run, work_on
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import BulkRun as Run

from . import bp
from .answers import Answer
from .operations import operation

GROUP = "Bulk changes"


class Withheld(Struct, kw_only=True):
    """A record that stayed as it was."""

    name: Annotated[str, Meta(description="Its name.")]
    detail: Annotated[str, Meta(description="The reason.")]


class Progress(Struct, kw_only=True):
    """How far a bulk change is."""

    key: Annotated[str, Meta(description="Names this change.")]
    state: Annotated[
        Literal["ready", "running", "done"],
        Meta(description="`ready`: previewed on a page, and not started."),
    ]
    interrupted: Annotated[
        bool,
        Meta(
            description="Whether it stopped before its end, for example because the server did. "
            "Then resume it."
        ),
    ]
    total: Annotated[int, Meta(description="How many records there are.")]
    left: Annotated[int, Meta(description="How many of them are still to be tried.")]
    done: Annotated[int, Meta(description="How many were changed so far.")]
    refused: Annotated[list[Withheld], Meta(description="The first 50 that stayed as they were.")]


class BulkRun(Progress):
    """A bulk change."""

    records: Annotated[
        str, Meta(description="The list of the records; `team` for a hand-over of several lists.")
    ]
    action: Annotated[
        str, Meta(description="As in `POST /bulk`; or `undo`, or `hand over` for a hand-over.")
    ]


def progress_of(run: Run) -> dict[str, Any]:
    """Return the fields of ``Progress``."""
    return {
        "key": run.key,
        "state": run.state.value,
        "interrupted": is_interrupted(run),
        "total": len(run.ids),
        "left": len(run.ids) - run.position,
        "done": run.done,
        "refused": [Withheld(name=name, detail=reason) for name, reason in run.refused],
    }


@bp.get("/bulk-runs/<key>")
@operation(GROUP, answers=BulkRun)
async def read_bulk_run(key: str) -> Answer:
    """Read how far a bulk change of your own is.

    Pages start such changes, and so do hand-overs. They are kept for a week.
    """
    return await _answer(key)


@bp.post("/bulk-runs/<key>/resume")
@operation(GROUP, answers=BulkRun, conflicts=True)
async def resume_bulk_run(key: str) -> Answer:
    """Resume a bulk change of your own that stopped before its end.

    It goes on with the records that are left; none is changed twice. A change that is running or
    done is left alone, so the request can be repeated. Without a sign of life for half a minute,
    a change counts as stopped. The work may go on after the answer: read the change until its
    state is `done`.
    """
    run, is_claimed = await db.run(partial(resume_run, actor=current_user, key=key[:64]))
    if is_claimed:
        await work_on(run)
    return await _answer(key)


async def _answer(key: str) -> Answer:
    run = await get_run(db.session, actor=current_user, key=key[:64])
    return Answer(BulkRun(records=run.kind, action=run.action, **progress_of(run)))
