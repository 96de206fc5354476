"""Rules of deals. ``actor`` is the user that acts; None is the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from quarterdeck.babel import gettext as _
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import (
    ConflictError,
    MoveNotAllowedError,
    NotFoundError,
    ValidationError,
)
from quarterdeck_crm.events.announcements import announce_deal_deleted
from quarterdeck_crm.extras.records import (
    take_extras,
    write_extras,
)
from quarterdeck_crm.history.recording import (
    flush,
    forget,
    record,
    require_version,
    store,
)
from quarterdeck_crm.models import (
    Attachment,
    AuditAction,
    Contact,
    Deal,
    DealLine,
    DealStage,
    Order,
    Person,
    StageKind,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.notifications.services import notify_assigned
from quarterdeck_crm.orders.lines import LineEntry, replace_lines
from quarterdeck_crm.orders.services import place_order
from quarterdeck_crm.permissions import require_edit
from quarterdeck_crm.search.merges import find_account
from quarterdeck_crm.tasks.services import follow
from quarterdeck_crm.validation import Problems

from .checks import NO_OPEN_STAGE, check_deal
from .stages import get_stage


async def get_deal(session: AsyncSession, *, deal_id: int) -> Deal:
    """Return a deal as it is now, with its account, users, stage, order and lines.

    Raises:
        NotFoundError: If there is none of that id.
    """
    statement = (
        select(Deal)
        .where(Deal.id == deal_id)
        .options(
            joinedload(Deal.account),
            joinedload(Deal.contact).joinedload(Contact.person),
            joinedload(Deal.owner),
            joinedload(Deal.stage),
            joinedload(Deal.order).load_only(Order.number),
            selectinload(Deal.lines).joinedload(DealLine.good),
        )
        .execution_options(populate_existing=True)
    )
    deal = await session.scalar(statement)
    if deal is None:
        raise NotFoundError(_("There is no such deal. It may have been deleted."))
    return deal


async def load_reach(session: AsyncSession, deal: Deal) -> None:
    """Load how the contact of a deal can be reached, if it has one."""
    if deal.contact is None:
        return
    statement = (
        select(Person)
        .where(Person.id == deal.contact.person_id)
        .options(selectinload(Person.phones), selectinload(Person.emails))
        .execution_options(populate_existing=True)
    )
    await session.scalar(statement)


async def create_deal(
    session: AsyncSession,
    *,
    actor: User | None,
    values: Mapping[str, Any],
    lines: Sequence[LineEntry] = (),
    stage_id: int | None = None,
) -> Deal:
    """Add a deal; without an ``owner_id`` in ``values`` it belongs to the actor.

    Args:
        session: The db session.
        actor: The user that adds it.
        values: The entries.
        lines: The goods that are offered; may be empty.
        stage_id: An open stage; the first one if not given.

    Raises:
        ValidationError: If a value cannot be accepted.
    """
    owned = {"owner_id": actor.id if actor else None, **values}
    cleaned, built = await check_deal(session, values=owned, lines=lines, stage_id=stage_id)
    stage = await _first_stage(session, stage_id)
    own = cleaned["own_probability"]
    extras = take_extras(cleaned)
    deal = Deal(
        **cleaned,
        lines=built or [],
        stage_id=stage.id,
        kind=stage.kind,
        probability=stage.probability if own is None else own,
        moved_at=utc_now(),
    )
    session.add(deal)
    await flush(session, deal)
    await write_extras(session, deal, extras)
    record(session, actor=actor, subject=deal, action="created")
    await notify_assigned(session, actor=actor, record=deal)
    return deal


async def update_deal(
    session: AsyncSession,
    *,
    actor: User | None,
    deal: Deal,
    values: Mapping[str, Any],
    lines: Sequence[LineEntry] | None = None,
    version: int,
) -> Deal:
    """Change a deal that was read at ``version``; values not given stay.

    Raises:
        ConflictError: If another save came after that version.
        ForbiddenError: If the actor may not edit it.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, deal)
    require_version(deal, version)
    cleaned, built = await check_deal(session, values=values, lines=lines, deal=deal)
    changes = await write_extras(session, deal, take_extras(cleaned))
    if built is not None:
        changes |= replace_lines(deal, built)
    if "own_probability" in cleaned:
        own = cleaned["own_probability"]
        cleaned["probability"] = deal.stage.probability if own is None else own
    before, account_id = deal.owner_id, deal.account_id
    await store(session, actor=actor, row=deal, values=cleaned, also=changes)
    if deal.account_id != account_id:
        await follow(session, deal_id=deal.id, account_id=deal.account_id)
    await notify_assigned(session, actor=actor, record=deal, before=before)
    return deal


async def move_deal(
    session: AsyncSession,
    *,
    actor: User | None,
    deal_id: int,
    stage_id: int,
    lost_reason: str | None = None,
    version: int | None = None,
) -> Deal:
    """Take a deal to another stage; one that is there already stays as it is.

    Raises:
        ConflictError: If ``version`` is given and another save came after it.
        ForbiddenError: If the actor may not edit it.
        MoveNotAllowedError: If it has become an order.
        NotFoundError: If there is no such deal or stage.
        ValidationError: If the stage is for lost deals and no reason is given.
    """
    deal = await get_deal(session, deal_id=deal_id)
    require_edit(actor, deal)
    if version is not None:
        require_version(deal, version)
    stage = await get_stage(session, stage_id=stage_id)
    if deal.stage_id == stage.id:
        return deal
    check_movable(deal)
    problems = Problems()
    values: dict[str, Any] = {"lost_reason": None}
    if stage.kind is StageKind.LOST:
        values = problems.clean(Deal, {"lost_reason": lost_reason}, fields=("lost_reason",))
        if not values.get("lost_reason"):
            problems.add("lost_reason", _("Enter why the deal is lost."))
        problems.raise_if_any()
    own = deal.own_probability if stage.kind is StageKind.OPEN else None
    values |= {
        "stage_id": stage.id,
        "kind": stage.kind,
        "probability": stage.probability if own is None else own,
        "moved_at": utc_now(),
    }
    deal.stage = stage
    await store(session, actor=actor, row=deal, values=values, action=f"deal {stage.kind}")
    return deal


def check_movable(deal: Deal) -> None:
    """Refuse another stage for a deal that has become an order.

    Raises:
        MoveNotAllowedError: If it has.
    """
    if deal.order_id is not None:
        raise MoveNotAllowedError(
            _("'%(name)s' has become an order. Its stage is final.", name=deal.name)
        )


async def make_order(session: AsyncSession, *, actor: User | None, deal_id: int) -> Order:
    """Make an order of a won deal with its lines, once: a second call returns the first order.

    Raises:
        ForbiddenError: If the actor may not edit the deal.
        MoveNotAllowedError: If it is not won.
        ValidationError: If the order cannot be accepted, for example with an archived account.
    """
    # The account first, as a merge locks them: otherwise the two would wait for each other.
    account_id = await session.scalar(select(Deal.account_id).where(Deal.id == deal_id))
    await find_account(session, account_id or 0, lock=True)
    locked = select(Deal.id).where(Deal.id == deal_id).with_for_update()
    await session.execute(locked)
    deal = await get_deal(session, deal_id=deal_id)
    require_edit(actor, deal)
    if deal.order_id is not None:
        return await session.get_one(Order, deal.order_id)
    if deal.kind is not StageKind.WON:
        raise MoveNotAllowedError(
            _("'%(name)s' is not won yet. Mark it as won first.", name=deal.name)
        )
    lines = [
        LineEntry(line.good_id, line.quantity, line.price, line.discount) for line in deal.lines
    ]
    is_gone = deal.owner is not None and not deal.owner.is_active
    order = await place_order(
        session,
        actor=actor,
        values={
            "account_id": deal.account_id,
            "currency": deal.currency,
            **({} if is_gone else {"owner_id": deal.owner_id}),
            "remark": deal.remark,
            "fields": None,
        },
        lines=lines,
    )
    await store(session, actor=actor, row=deal, values={"order_id": order.id}, action="order made")
    return order


async def delete_deal(session: AsyncSession, *, actor: User | None, deal: Deal) -> None:
    """Delete a deal with its lines and its history.

    Raises:
        ConflictError: If it has become an order, or has files.
        ForbiddenError: If the actor may not edit it.
    """
    require_edit(actor, deal)
    if deal.order_id is not None:
        raise ConflictError(_("'%(name)s' has become an order, so it stays.", name=deal.name))
    if await session.scalar(select(Attachment.id).where(Attachment.deal_id == deal.id).limit(1)):
        raise ConflictError(_("'%(name)s' has files. Remove them first.", name=deal.name))
    await forget(session, deal)
    await session.delete(deal)
    await flush(session, deal)
    subject = f"deal {deal.name}"[:254]
    await record_audit(session, AuditAction.DELETED, actor=actor, subject=subject)
    announce_deal_deleted(session, deal, actor=actor)


async def _first_stage(session: AsyncSession, stage_id: int | None) -> DealStage:
    if stage_id is not None:
        chosen = await session.get(DealStage, stage_id)
        if chosen is None:  # removed since it was checked
            raise ValidationError({"stage_id": [NO_OPEN_STAGE]})
        return chosen
    first = select(DealStage).where(DealStage.kind == StageKind.OPEN)
    stage = await session.scalar(first.order_by(DealStage.position, DealStage.id).limit(1))
    if stage is None:
        raise ConflictError(_("The pipeline has no stages yet. Ask an administrator to add some."))
    return stage
