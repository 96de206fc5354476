"""All open records of a user given to a colleague, as one run that can be undone."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import AuditAction, BulkRun, Role, RunState, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.permissions import require_role
from quarterdeck_crm.team.services import disable_user, get_user

from .kinds import KINDS
from .owned import as_value, check_colleague, list_late, list_owned, notify_of_hand_over
from .runs import BATCH, HAND_OVER, TEAM, add_run, change_one, get_run

SAME = timedelta(hours=1)  # within which a form that is sent again finds its run


async def start_hand_over(
    session: AsyncSession, *, actor: User, user_id: int, to_id: int | None, disables: bool
) -> tuple[BulkRun, bool]:
    """Claim a run for the open records of a user; the caller then calls ``work_off``.

    Args:
        session: The db session.
        actor: An administrator.
        user_id: The user.
        to_id: The id of the colleague.
        disables: Whether the user is disabled too, in the same transaction.

    Returns:
        The run, and whether it is new: a form that is sent again finds the first one.

    Raises:
        ConflictError: If the user cannot be disabled.
        ForbiddenError: If the actor is no administrator.
        NotFoundError: If there is no such user.
        ValidationError: If the colleague cannot get the records.
    """
    require_role(actor, Role.ADMIN)
    # Locked, so that of two requests at the same moment the second one finds the run.
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    user = await get_user(session, user_id)
    await session.refresh(user)
    to = await check_colleague(session, user=user, to_id=to_id)
    value = as_value(user.id, to.id)
    recent = select(BulkRun).where(
        BulkRun.user_id == actor.id,
        BulkRun.created_at > utc_now() - SAME,
        BulkRun.action == HAND_OVER,
        BulkRun.value == value,
        BulkRun.state == RunState.RUNNING,
    )
    if (run := await session.scalar(recent.limit(1))) is not None:
        return run, False
    if disables and user.is_active:
        await disable_user(session, user=user, actor=actor)
    ids = await list_owned(session, user_id=user.id)
    state = RunState.RUNNING if ids else RunState.DONE
    run = await add_run(
        session, actor, kind=TEAM, action=HAND_OVER, value=value, ids=ids, state=state
    )
    if ids:
        await _audit(session, actor, user, to, len(ids))
    return run, bool(ids)


async def get_hand_over(session: AsyncSession, *, actor: User, key: str) -> BulkRun:
    """Return a hand-over that the actor started, as it is now.

    Raises:
        NotFoundError: If the actor started none of this key.
    """
    run = await get_run(session, actor=actor, key=key)
    if run.action != HAND_OVER:
        raise NotFoundError(_("There is no such change. It may be too old."))
    return run


async def hand_over_now(*, user: User, to: User) -> tuple[int, list[str]]:
    """Give the open records of a user to a colleague, as the system does it.

    Returns:
        How many were given, and the reasons of those that were not.
    """
    owned = await list_owned(db.session, user_id=user.id)
    done, refused, position = 0, list[str](), 0

    async def work(session: AsyncSession, *, batch: list[list[Any]]) -> list[str | None]:
        return [
            await change_one(session, None, KINDS[page].actions["owner"], id_, str(to.id), None)
            for page, id_ in batch
        ]

    while batch := owned[position : position + BATCH]:
        reasons = await db.run(partial(work, batch=batch))
        refused += [reason for reason in reasons if reason is not None]
        done += reasons.count(None)
        position += len(batch)
        if position == len(owned):
            owned += await db.run(partial(list_late, user_id=user.id, known=owned))
    if owned:
        await db.run(partial(_audit, actor=None, user=user, to=to, records=len(owned)))
    if done:
        value = as_value(user.id, to.id)
        await db.run(partial(notify_of_hand_over, actor=None, value=value))
    return done, refused


async def _audit(
    session: AsyncSession, actor: User | None, user: User, to: User, records: int
) -> None:
    detail = {"to": to.email, "records": records}
    action = AuditAction.RECORDS_HANDED_OVER
    await record_audit(session, action, actor=actor, user=user, detail=detail)
