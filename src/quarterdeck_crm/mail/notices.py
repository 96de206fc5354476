"""Notices to the owner of an order that a colleague has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.history.recording import list_history
from quarterdeck_crm.history.wording import in_words
from quarterdeck_crm.languages import language_of
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Account, NoticeTime, Order, User

from .links import public_url
from .sending import post_to_user, sends_mail

_is_summed_up = ContextVar("is_summed_up", default=False)


@contextmanager
def summed_up() -> Iterator[None]:
    """Tell no owner of each change: the caller tells of all of them at once."""
    token = _is_summed_up.set(True)
    try:
        yield
    finally:
        _is_summed_up.reset(token)


def is_summed_up() -> bool:
    """Whether owners are told of several changes at once, by the caller of the services."""
    return _is_summed_up.get()


async def mail_order_change(session: AsyncSession, *, actor: User | None, order: Order) -> None:
    """Mail the last line of an order's history to its owner, if the owner wants it at once.

    If the change gave the order to another owner, both are told. Nobody is told of their own
    changes, and nothing is sent for changes of the system, such as an import, or while
    ``summed_up`` holds.

    Args:
        session: That of the change, which has recorded it.
        actor: The user that made the change.
        order: The changed order.
    """
    if actor is None or is_summed_up() or not sends_mail():
        return
    entry = (await list_history(session, order, limit=1))[0]
    owners = {order.owner_id, *entry.changes.get("owner_id", ())} - {None, actor.id}
    if not owners:
        return
    wanted = select(User).where(
        User.id.in_(owners), User.is_active, User.notices == NoticeTime.AT_ONCE
    )
    readers = (await session.scalars(wanted)).all()
    if readers:
        account = await session.get_one(Account, order.account_id)
        url = public_url("orders.show", order_id=order.id)
        for reader in readers:
            with language_of(reader):
                (item,) = await in_words(session, [entry])
            await post_to_user(
                session,
                reader,
                subject=_l(
                    "%(name)s changed order %(number)s", name=actor.name, number=order.number
                ),
                template="order_changed",
                kind="changes",
                actor=actor,
                order=order,
                account=account,
                change=plain(item.text),
                url=url,
            )


def plain(text: str) -> str:
    """Return a line of history without its markup, which pages need and mail does not."""
    return text.striptags() if isinstance(text, Markup) else text
