"""How much room attached files take up, and how much they may: per user and per account."""

from __future__ import annotations

from dataclasses import dataclass

from quart import current_app
from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.languages.words import size_text
from quarterdeck_crm.models import Account, Attachment, Deal, Order, User

from .subjects import Subject, account_id_of

_SUM = func.coalesce(func.sum(Attachment.size), 0)


@dataclass(frozen=True, slots=True)
class Quota:
    """The room for the files of a user or of an account, in bytes.

    Attributes:
        files: The files that count, as a sentence begins.
        used: The sum of their sizes.
        allowed: The largest sum.
    """

    files: str
    used: int
    allowed: int

    def __str__(self) -> str:
        return _(
            "%(files)s use %(used)s of %(allowed)s.",
            files=self.files,
            used=size_text(self.used),
            allowed=size_text(self.allowed),
        )


async def read_quotas(
    session: AsyncSession, *, actor: User | None, subject: Subject
) -> list[Quota]:
    """Return the quotas that limit a file of ``actor`` at ``subject``.

    The files of deals and orders count as files of their account. The system has no quota of a
    user.
    """
    config = current_app.config
    of_user = config["ATTACHMENT_MAX_BYTES_PER_USER"] if actor else 0
    of_account = config["ATTACHMENT_MAX_BYTES_PER_ACCOUNT"]
    if not of_user and not of_account:
        return []
    sums = select(
        _used_by(actor.id) if actor and of_user else literal(0),
        _used_at(account_id_of(subject)) if of_account else literal(0),
    )
    by_user, at_account = (await session.execute(sums)).one()
    quotas = (
        Quota(_("Your files"), int(by_user), of_user),
        Quota(
            _("The files of this account, its deals and its orders"), int(at_account), of_account
        ),
    )
    return [quota for quota in quotas if quota.allowed]


async def lock_quotas(session: AsyncSession, *, actor: User | None, subject: Subject) -> None:
    """Lock the account and the user until the end of the transaction: its first statements.

    Concurrent uploads wait for each other here. The account comes first, as in the statements
    that change an account and record the user in its history: two orders would deadlock, and so
    would a row that was written before and refers to the user.
    """
    await session.execute(_lock(Account.id, account_id_of(subject)))
    if actor:
        await session.execute(_lock(User.id, actor.id))


async def require_room(
    session: AsyncSession, *, actor: User | None, subject: Subject, size: int
) -> None:
    """Refuse a file that exceeds a quota; call it in the transaction that adds its row.

    Raises:
        ValidationError: Under ``file``, with the room that is used and allowed.
    """
    await lock_quotas(session, actor=actor, subject=subject)
    for quota in await read_quotas(session, actor=actor, subject=subject):
        if quota.used + size > quota.allowed:
            problem = _(
                "This file has %(size)s, and there is no room for it. %(quota)s Remove files "
                "that are no longer needed, or ask an administrator for more room.",
                size=size_text(size),
                quota=quota,
            )
            raise ValidationError({"file": [problem]})


def _used_by(user_id: int) -> ColumnElement[int]:
    return select(_SUM).where(Attachment.author_id == user_id).scalar_subquery()


def _used_at(account_id: int) -> ColumnElement[int]:
    own = select(_SUM).where(Attachment.account_id == account_id)
    of_orders = select(_SUM).join(Order, Attachment.order_id == Order.id)
    of_orders = of_orders.where(Order.account_id == account_id)
    of_deals = select(_SUM).join(Deal, Attachment.deal_id == Deal.id)
    of_deals = of_deals.where(Deal.account_id == account_id)
    sums = own.scalar_subquery() + of_orders.scalar_subquery()
    return sums + of_deals.scalar_subquery()


def _lock(column: InstrumentedAttribute[int], row_id: int) -> Select[int]:
    return select(column).where(column == row_id).with_for_update()
