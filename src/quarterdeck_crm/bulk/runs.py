"""Bulk changes: selected, previewed, and done in batches, each in a transaction of its own.

A batch is written together with the progress of its run, so that no record is changed twice and
a run that was interrupted goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from typing import Any

from quart import current_app, has_request_context
from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import (
    ConflictError,
    DomainError,
    NotFoundError,
    StaleError,
    ValidationError,
)
from quarterdeck_crm.extensions import db
from quarterdeck_crm.history.undo import note_undo, open_step
from quarterdeck_crm.languages import language_of
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.mail.notices import summed_up
from quarterdeck_crm.models import BulkRun, RunState, UndoItem, UndoStep, User
from quarterdeck_crm.models.bulk import new_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.permissions import owner_problem, require_role
from quarterdeck_crm.validation.numbers import row_id

from .kinds import Action, Kind, get_kind, kind_of_table
from .owned import colleague_of, giver_of, list_late, notify_of_hand_over
from .previews import check_value
from .undoing import claim, undo_item

BATCH = 20  # records of one transaction
MAX_REFUSED = 50  # reasons that a run keeps
SILENT = timedelta(seconds=30)  # without a sign of life, a run counts as interrupted
KEPT_FOR = timedelta(days=7)
UNDO = "undo"
TEAM = "team"  # the kind of a run whose records are of several kinds
AT_ONCE = _l("Another user changed it at the same moment. Start the change again for it.")
UNDONE_AT_ONCE = _l("It was changed at the same moment. It stays as it is now.")
HAND_OVER = "hand over"  # of the records of a user, each of them ``[list, id]``


async def create_run(
    session: AsyncSession, *, actor: User, kind: Kind, action: str, ids: Sequence[int]
) -> BulkRun:
    """Add a run that waits for its start, and remove the old ones of its user.

    Raises:
        ForbiddenError: If the role of the actor has no such actions.
        ValidationError: If there is no such action, or there are none or too many records.
    """
    require_role(actor, kind.least)
    most = current_app.config["BULK_MAX"]
    if action not in kind.actions:
        raise ValidationError({"action": [_("Choose an action.")]})
    if not ids:
        raise ValidationError({"ids": [_("Select at least one record.")]})
    if len(ids) > most:
        raise ValidationError({"ids": [too_many(most)]})
    return await add_run(session, actor, kind=kind.page, action=action, ids=list(ids))


def too_many(most: int) -> str:
    """Return the refusal of a selection that is too large."""
    return _("At most %(most)s records can be changed at once. Filter the list further.", most=most)


async def get_run(session: AsyncSession, *, actor: User, key: str) -> BulkRun:
    """Return a run of the actor as it is now.

    Raises:
        NotFoundError: If the actor has none of this key.
    """
    statement = select(BulkRun).where(BulkRun.key == key, BulkRun.user_id == actor.id)
    run = await session.scalar(statement.execution_options(populate_existing=True))
    if run is None:
        raise NotFoundError(_("There is no such change. It may be too old."))
    return run


async def start_run(session: AsyncSession, *, actor: User, key: str, value: str | None) -> BulkRun:
    """Claim a run, by one conditional statement; the caller then calls ``work_off``.

    A run that has shown no sign of life for half a minute can be claimed again.

    Raises:
        ConflictError: If it has been started.
        NotFoundError: If the actor has none of this key.
        ValidationError: If the value is none.
    """
    run = await get_run(session, actor=actor, key=key)
    if run.state is RunState.READY:
        kind = get_kind(run.kind)
        await check_value(session, kind=kind, action=kind.actions[run.action], value=value)
    else:
        value = run.value
    now = utc_now()
    is_free = or_(
        BulkRun.state == RunState.READY,
        (BulkRun.state == RunState.RUNNING) & (BulkRun.beat_at < now - SILENT),
    )
    claimed = (
        update(BulkRun)
        .where(BulkRun.id == run.id, is_free)
        .values(state=RunState.RUNNING, value=value or None, beat_at=now)
        .execution_options(synchronize_session=False)
    )
    if not await changes_one(session, claimed):
        raise ConflictError(_("This change has been started already."))
    return await get_run(session, actor=actor, key=key)


def is_interrupted(run: BulkRun) -> bool:
    """Whether a run stopped before its end: it has shown no sign of life for half a minute."""
    return run.state is RunState.RUNNING and run.beat_at < utc_now() - SILENT


async def resume_run(session: AsyncSession, *, actor: User, key: str) -> tuple[BulkRun, bool]:
    """Claim a run that was interrupted; one that is running or done is left alone.

    Returns:
        The run, and whether it is claimed: the caller then calls ``work_on``.

    Raises:
        ConflictError: If it has not been started.
        NotFoundError: If the actor has none of this key.
    """
    run = await get_run(session, actor=actor, key=key)
    if run.state is RunState.READY:
        raise ConflictError(_("This change has not been started. Start it on its page."))
    if not is_interrupted(run):
        return run, False
    try:
        return await start_run(session, actor=actor, key=key, value=None), True
    except ConflictError:  # another request claimed it first
        return await get_run(session, actor=actor, key=key), False


async def start_undo(session: AsyncSession, *, actor: User, key: str) -> BulkRun | None:
    """Claim the step of a bulk change for an undo; None if the step is of one record.

    Raises:
        ConflictError: If it was undone before, or is too old.
    """
    mine = UndoStep.key == key, UndoStep.user_id == actor.id
    step_id = select(UndoStep.id).where(*mine).scalar_subquery()
    of_run = select(BulkRun.kind).where(BulkRun.user_id == actor.id, BulkRun.step_id == step_id)
    kind = await session.scalar(of_run.limit(1))
    if kind is None:
        return None
    step = await claim(session, actor=actor, key=key)
    ids = await session.scalars(
        select(UndoItem.id).where(UndoItem.step_id == step.id).order_by(UndoItem.id)
    )
    return await add_run(
        session, actor, kind=kind, action=UNDO, ids=list(ids), state=RunState.RUNNING
    )


async def work_off(key: str) -> None:
    """Do the batches of a run that was claimed."""
    try:
        while await db.run(partial(_batch, key=key)):
            pass
    except Exception:
        # Its page offers to go on: what was done is written down.
        current_app.logger.exception("The bulk change %s stopped", key)


async def change_now(
    *, actor: User, kind: Kind, action: str, ids: Sequence[int], value: str | None
) -> tuple[list[int], list[tuple[int, str]]]:
    """Change records at once, in batches, without a run; return the changed and the refused ids.

    Raises:
        ForbiddenError: If the role of the actor has no such actions.
        ValidationError: If there is no such action, or the value is none.
    """
    require_role(actor, kind.least)
    if action not in kind.actions:
        raise ValidationError({"action": [_("Choose an action.")]})
    wanted = list(dict.fromkeys(ids))
    changed: list[int] = []
    refused: list[tuple[int, str]] = []

    async def work(session: AsyncSession, *, batch: Sequence[int]) -> list[str | None]:
        await check_value(session, kind=kind, action=kind.actions[action], value=value)
        return [
            await change_one(session, actor, kind.actions[action], id_, value, None)
            for id_ in batch
        ]

    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        for id_, reason in zip(batch, await db.run(partial(work, batch=batch)), strict=True):
            if reason is None:
                changed.append(id_)
            else:
                refused.append((id_, reason))
    return changed, refused


async def work_on(run: BulkRun) -> None:
    """Do a claimed run: at once if it is small, otherwise in the background."""
    if len(run.ids) <= BATCH:
        await work_off(run.key)
    else:
        current_app.add_background_task(work_off, run.key)


async def _batch(session: AsyncSession, *, key: str) -> bool:
    """Do the next batch of a run; return whether there are more."""
    locked = select(BulkRun).where(BulkRun.key == key).with_for_update()
    run = await session.scalar(locked.execution_options(populate_existing=True))
    if run is None or run.state is not RunState.RUNNING:
        return False
    user = await session.get_one(User, run.user_id, populate_existing=True)
    is_hand_over = run.action == HAND_OVER
    if is_hand_over and run.position == len(run.ids):
        giver = giver_of(run.value)
        run.ids = [*run.ids, *await list_late(session, user_id=giver, known=run.ids)]
    ids = run.ids[run.position : run.position + BATCH]
    refused = [*run.refused]
    step = await _step_of(session, run, user)
    # A request has the language of its reader already.
    with (
        nullcontext() if has_request_context() else language_of(user),
        summed_up() if run.kind == TEAM else nullcontext(),
    ):
        for id_ in ids:
            reason = await _do(session, run, user, step, id_)
            if reason is None:
                run.done += 1
            else:
                refused.append(reason)
    run.position += len(ids)
    run.refused = refused[:MAX_REFUSED]
    run.beat_at = utc_now()
    # A hand-over looks once more for records that came meanwhile, until there are none.
    has_more = user.is_active and (bool(ids) if is_hand_over else run.position < len(run.ids))
    if not has_more:
        run.state = RunState.DONE
        if is_hand_over and run.done:
            await notify_of_hand_over(session, actor=user, value=run.value)
    await session.flush()
    return has_more


async def _do(
    session: AsyncSession, run: BulkRun, user: User, step: UndoStep | None, entry: Any
) -> list[str] | None:
    """Change one record in a savepoint; return its name and the reason if it is refused."""
    if run.action == UNDO:
        return await _undo(session, user, await session.get_one(UndoItem, entry))
    page, id_, action_name, value = run.kind, entry, run.action, run.value
    if run.action == HAND_OVER:
        (page, id_), action_name, value = entry, "owner", colleague_of(run.value)
    kind = get_kind(page)
    name, action = await _name(session, kind, id_), kind.actions[action_name]
    # The user may have been disabled since the run was started.
    id_of_owner = row_id(value) if action.needs == "owner" and value else None
    if id_of_owner and (problem := await owner_problem(session, id_of_owner)):
        return [name, problem]
    reason = await change_one(session, user, action, id_, value, step)
    return None if reason is None else [name, reason]


async def _undo(session: AsyncSession, user: User, item: UndoItem) -> list[str] | None:
    name = await _name(session, kind_of_table(item.kind), item.subject_id)
    try:
        async with session.begin_nested():
            await undo_item(session, actor=user, item=item)
    except (IntegrityError, StaleDataError, StaleError):
        return [name, str(UNDONE_AT_ONCE)]
    except DomainError as error:
        return [name, str(error)]
    return None


async def _name(session: AsyncSession, kind: Kind, id_: int) -> str:
    statement = select(getattr(kind.model, kind.name)).where(kind.model.id == id_)
    return str(await session.scalar(statement) or f"#{id_}")


async def change_one(
    session: AsyncSession,
    user: User | None,
    action: Action,
    id_: int,
    value: str | None,
    step: UndoStep | None,
) -> str | None:
    """Change one record in a savepoint, and note how it is undone; return why it is refused."""
    try:
        async with session.begin_nested():
            changed = await action.change(session, user, id_, value)
            if changed is None:
                raise ConflictError(_("It is so already."))
            if step is not None:
                note_undo(session, step, changed.row, action=changed.action, before=changed.before)
            await session.flush()
    except (IntegrityError, StaleDataError, StaleError):
        return str(AT_ONCE)
    except DomainError as error:
        return str(error)
    return None


async def _step_of(session: AsyncSession, run: BulkRun, user: User) -> UndoStep | None:
    """Return the step that undoes a run; an undo has none."""
    if run.action == UNDO:
        return None
    if run.step_id is None:
        step = await open_step(session, actor=user)
        run.step_id = step.id
        return step
    step = await session.get_one(UndoStep, run.step_id)
    # Its time begins when the last record was changed.
    step.created_at = utc_now()
    return step


async def add_run(session: AsyncSession, actor: User, **values: Any) -> BulkRun:
    """Add a run, and remove the old ones of its user."""
    old = delete(BulkRun).where(
        BulkRun.user_id == actor.id, BulkRun.created_at < utc_now() - KEPT_FOR
    )
    await session.execute(old.execution_options(synchronize_session=False))
    run = BulkRun(key=new_key(), user_id=actor.id, **values)
    session.add(run)
    await session.flush()
    return run
