"""What a bulk change would do, and the values that its user chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.deals.stages import list_stages
from quarterdeck_crm.errors import DomainError, ValidationError
from quarterdeck_crm.extras.tags import count_among, list_tags
from quarterdeck_crm.models import BulkRun, DealStage, StageKind, Tag, User
from quarterdeck_crm.permissions import owner_problem
from quarterdeck_crm.search.filters import list_active_users
from quarterdeck_crm.validation.numbers import row_id

from .fields import check_entry
from .kinds import Action, Kind, get_kind


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do.

    Attributes:
        ready: How many records would be changed.
        refused: Name and reason of those that would not.
    """

    ready: int
    refused: Sequence[tuple[str, str]]


async def preview(session: AsyncSession, *, actor: User, run: BulkRun) -> Preview:
    """Return what a run would do with the stock of now."""
    kind = get_kind(run.kind)
    action = kind.actions[run.action]
    rows = await kind.load(session, run.ids)
    reasons = {row.id: reason for row in rows if (reason := _refusal(actor, action, row))}
    if action.check_together is not None:
        reasons |= action.check_together([row for row in rows if row.id not in reasons])
    refused = [(str(getattr(row, kind.name)), reasons[row.id]) for row in rows if row.id in reasons]
    return Preview(len(rows) - len(refused), refused)


async def list_choices(session: AsyncSession, *, run: BulkRun) -> list[tuple[str, str]]:
    """Return the values that the action of a run takes, each with its words.

    Tags are shown with the number of selected records that have them; only those tags can be
    removed.
    """
    kind = get_kind(run.kind)
    match kind.actions[run.action].needs:
        case "owner":
            users = await list_active_users(session)
            return [("", _("No owner")), *((str(id_), name) for id_, name in users)]
        case "stage":
            stages = await list_stages(session)
            return [(str(s.id), s.name) for s in stages if s.kind != StageKind.LOST]
        case "tag" | "present tag" as needs:
            counts = await count_among(session, kind=kind.model.__tablename__, ids=run.ids)
            tags = [tag for tag in await list_tags(session) if needs == "tag" or counts.get(tag.id)]
            total = len(run.ids)
            return [(str(tag.id), _with_count(tag, counts.get(tag.id), total)) for tag in tags]
        case _:
            return []


async def check_value(
    session: AsyncSession, *, kind: Kind, action: Action, value: str | None
) -> None:
    """Refuse an owner, a stage, a tag or a value of a field that no record can have.

    Raises:
        ValidationError: If there is no such value.
    """
    id_ = row_id(value or "") or 0
    match action.needs:
        case "owner" if value:
            if problem := await owner_problem(session, id_):
                raise ValidationError({"value": [problem]})
            return None
        case "stage":
            found = select(DealStage.id).where(
                DealStage.id == id_, DealStage.kind != StageKind.LOST
            )
            text = _("Choose a stage.")
        case "tag" | "present tag":
            found, text = select(Tag.id).where(Tag.id == id_), _("Choose a tag.")
        case "field":
            return await check_entry(session, table=kind.model.__tablename__, value=value)
        case _:
            return None
    if await session.scalar(found) is None:
        raise ValidationError({"value": [text]})
    return None


def _with_count(tag: Tag, count: int | None, total: int) -> str:
    if count is None:
        return tag.name
    return _("%(name)s (on %(count)s of %(total)s)", name=tag.name, count=count, total=total)


def _refusal(actor: User, action: Action, row: Any) -> str | None:
    try:
        action.check(actor, row)
    except DomainError as error:
        return str(error)
    return None
