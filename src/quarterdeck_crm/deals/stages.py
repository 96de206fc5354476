"""The stages of the pipeline and the reasons for lost deals, which administrators choose."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ConflictError, NotFoundError, StaleError, ValidationError
from quarterdeck_crm.languages import language_of
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Deal, DealStage, LostReason, Role, StageKind, User
from quarterdeck_crm.models.collation import same_key
from quarterdeck_crm.permissions import require_role
from quarterdeck_crm.validation import Problems, fit_text

MAX_STAGES = 12
MAX_REASONS = 30
PIPELINE_EDITOR = Role.ADMIN
# Those of a new installation: name, probability, kind.
USUAL = (
    (N_("Qualified"), 20, StageKind.OPEN),
    (N_("Offer sent"), 40, StageKind.OPEN),
    (N_("Negotiation"), 70, StageKind.OPEN),
    (N_("Won"), 100, StageKind.WON),
    (N_("Lost"), 0, StageKind.LOST),
)
USUAL_REASONS = (
    N_("Price"),
    N_("Delivery time"),
    N_("Went to a competitor"),
    N_("No longer needed"),
)


@dataclass(frozen=True, slots=True)
class StageEntry:
    """A stage as entered; ``id`` is None for a new one."""

    id: int | None
    name: str
    probability: int | None
    kind: StageKind


async def list_stages(session: AsyncSession, *, lock: bool = False) -> Sequence[DealStage]:
    """Return the stages in their order.

    Args:
        session: The db session.
        lock: Whether no other request changes them until the transaction ends.
    """
    ordered = select(DealStage).order_by(DealStage.position, DealStage.id)
    if lock:
        ordered = ordered.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(ordered)).all()


async def get_stage(session: AsyncSession, *, stage_id: int) -> DealStage:
    """Return a stage.

    Raises:
        NotFoundError: If there is none of that id.
    """
    stage = await session.get(DealStage, stage_id)
    if stage is None:
        raise NotFoundError(_("There is no such stage. It may have been removed."))
    return stage


async def list_reasons(session: AsyncSession) -> Sequence[str]:
    """Return the reasons that are offered for lost deals."""
    ordered = select(LostReason.name).order_by(LostReason.position, LostReason.id)
    return (await session.scalars(ordered)).all()


async def make_usual_stages(session: AsyncSession) -> None:
    """Add the stages and reasons of a new installation, if there are no stages.

    Their names are in the language of the installation, since all users share them.
    """
    if await session.scalar(select(DealStage.id).limit(1)) is not None:
        return
    with language_of(None):
        session.add_all(
            DealStage(name=_(name), position=place, probability=probability, kind=kind)
            for place, (name, probability, kind) in enumerate(USUAL, 1)
        )
        session.add_all(
            LostReason(position=place, name=_(name)) for place, name in enumerate(USUAL_REASONS, 1)
        )
    await session.flush()


async def make_first_stages(session: AsyncSession, *, user: User) -> None:
    """Add the usual stages if a new user is the first administrator of the installation.

    A later administrator adds none, so that stages that were removed do not come back.

    Args:
        session: The db session.
        user: A user that this transaction has added.
    """
    if user.role is not Role.ADMIN:
        return
    others = select(User.id).where(User.role == Role.ADMIN, User.id != user.id).limit(1)
    # Read once more with a lock: of two administrators added at the same moment, only one is
    # the first. Most installations have an administrator, and need no lock.
    for statement in (others, others.with_for_update()):
        if await session.scalar(statement) is not None:
            return
    await make_usual_stages(session)


async def save_pipeline(
    session: AsyncSession,
    *,
    actor: User | None,
    stages: Sequence[StageEntry],
    reasons: Sequence[str],
    seen: str | None = None,
) -> None:
    """Replace the stages and the reasons; stages that are left out are removed.

    Deals that follow the probability of their stage get the new one.

    Args:
        session: The db session.
        actor: An administrator.
        stages: All stages, in their order.
        reasons: All reasons, in their order.
        seen: The ``state_of`` the pipeline that was edited.

    Raises:
        ConflictError: If a stage that is left out or becomes of another kind has deals.
        ForbiddenError: If the actor is no administrator.
        StaleError: If another save came after ``seen``.
        ValidationError: If an entry cannot be accepted.
    """
    require_role(actor, PIPELINE_EDITOR)
    names, texts = check_pipeline(stages, reasons)
    now = await list_stages(session, lock=True)
    if seen is not None and seen != state_of(now, await list_reasons(session)):
        raise StaleError(
            _(
                "Another user changed the pipeline after you opened it. "
                "Reload the page and try again."
            )
        )
    present = {stage.id: stage for stage in now}
    kept = {entry.id for entry in stages}
    for stage in [each for each in present.values() if each.id not in kept]:
        await _refuse_used(
            session, stage, _("'%(name)s' has deals. Move them first.", name=stage.name)
        )
        await session.delete(stage)
    for position, (entry, name) in enumerate(zip(stages, names, strict=True), 1):
        row = present.get(entry.id or 0)
        if row is None:
            row = DealStage(probability=entry.probability or 0, kind=entry.kind)
            session.add(row)
        else:
            await _change_stage(session, row, entry)
        row.name, row.position = name, position
    await session.execute(delete(LostReason))
    session.add_all(LostReason(position=place, name=name) for place, name in enumerate(texts, 1))
    await session.flush()


async def _change_stage(session: AsyncSession, row: DealStage, entry: StageEntry) -> None:
    """Give a stage its new kind and probability; deals that follow it get the probability."""
    if row.kind is not entry.kind:
        await _refuse_used(
            session, row, _("'%(name)s' has deals. Its kind must stay.", name=row.name)
        )
    probability = entry.probability or 0
    if row.probability != probability:
        followers = update(Deal).where(Deal.stage_id == row.id, Deal.own_probability.is_(None))
        await session.execute(
            followers.values(probability=probability, updated_at=Deal.updated_at).execution_options(
                synchronize_session=False
            )
        )
    row.probability, row.kind = probability, entry.kind


def state_of(stages: Sequence[DealStage], reasons: Sequence[str]) -> str:
    """Return a text that changes with each save of the pipeline."""
    state = [(stage.id, stage.version) for stage in stages], list(reasons)
    return hashlib.sha256(repr(state).encode()).hexdigest()[:32]


def check_pipeline(
    stages: Sequence[StageEntry], reasons: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Refuse stages and reasons that no pipeline can have; return their names as stored.

    Raises:
        ValidationError: With the problems of all entries at once, by keys as ``stages-0-name``.
    """
    problems = Problems()
    names = set[str]()
    cleaned: list[str] = []
    for index, entry in enumerate(stages):
        with problems.collected():
            cleaned.append(_check_entry(index, entry))
        if entry.name.strip() and same_key(entry.name) in names:
            text = _("Another stage has this name. Files of deals name a stage by it.")
            problems.add(f"stages-{index}-name", text)
        names.add(same_key(entry.name))
    kinds = [entry.kind for entry in stages]
    if kinds.count(StageKind.WON) != 1 or kinds.count(StageKind.LOST) != 1:
        problems.add("", _("One stage must be for won deals, and one for lost deals."))
    if StageKind.OPEN not in kinds:
        problems.add("", _("At least one stage must be for open deals."))
    if len(stages) > MAX_STAGES:
        problems.add("", _("A pipeline can have at most %(number)s stages.", number=MAX_STAGES))
    if len(reasons) > MAX_REASONS or any(len(name) > 80 for name in reasons):
        problems.add(
            "reasons",
            _("Enter at most %(number)s reasons of at most 80 characters.", number=MAX_REASONS),
        )
    texts: list[str] = []
    with problems.collected("reasons"):
        texts = [fit_text(LostReason.name.expression, text) for text in reasons if text.strip()]
    problems.raise_if_any()
    return cleaned, texts


def _check_entry(index: int, entry: StageEntry) -> str:
    """Return the name of a stage as it is stored."""
    problems = Problems()
    values = {"name": entry.name, "probability": entry.probability}
    cleaned = problems.clean(DealStage, values, fields=("name", "probability"), complete=True)
    if entry.probability is not None and not 0 <= entry.probability <= 100:
        problems.add("probability", _("Enter a whole number from 0 to 100."))
    if problems.errors:
        raise ValidationError(
            {f"stages-{index}-{name}": texts for name, texts in problems.errors.items()}
        )
    return str(cleaned["name"])


async def _refuse_used(session: AsyncSession, stage: DealStage, text: str) -> None:
    used = select(func.count()).select_from(
        select(Deal.id).where(Deal.stage_id == stage.id).limit(1).subquery()
    )
    if await session.scalar(used):
        raise ConflictError(text)
