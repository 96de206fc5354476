"""Mail about accounts of users: invitation, new password, welcome, and news for administrators."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Role, User

from .links import public_url
from .sending import post_to_user, sends_mail


async def mail_invitation(session: AsyncSession, *, user: User, url: str) -> None:
    """Invite a new user; ``url`` lets them choose a password."""
    await post_to_user(
        session,
        user,
        subject=_l("Your invitation to Quarterdeck"),
        template="invitation",
        url=url,
        again_url=public_url("auth.reset"),
    )


async def mail_reset(session: AsyncSession, *, user: User, url: str) -> None:
    """Send the link that lets a user choose a new password."""
    await post_to_user(
        session, user, subject=_l("Choose a new password"), template="reset", url=url
    )


async def mail_welcome(session: AsyncSession, *, user: User) -> None:
    """Welcome a user at the first sign-in."""
    if sends_mail():
        url = public_url("dashboard.index")
        await post_to_user(
            session, user, subject=_l("Welcome to Quarterdeck"), template="welcome", url=url
        )


async def list_admins(session: AsyncSession) -> list[User]:
    """Return the administrators that can sign in."""
    admins = select(User).where(User.role == Role.ADMIN, User.is_active).order_by(User.id)
    return list(await session.scalars(admins))


async def mail_newcomer(session: AsyncSession, *, newcomer: User) -> None:
    """Tell all other administrators of a registration."""
    if not sends_mail():
        return
    url = public_url("team.show", user_id=newcomer.id)
    for admin in await list_admins(session):
        if admin.id == newcomer.id:
            continue
        await post_to_user(
            session,
            admin,
            subject=_l("%(name)s has registered", name=newcomer.name),
            template="newcomer",
            newcomer=newcomer,
            url=url,
        )
