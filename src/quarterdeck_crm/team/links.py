"""Links with which a user sets a password: after an invitation, or when it is lost."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer
from quart import current_app
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ConflictError, LinkUsedError
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.mail.links import public_url
from quarterdeck_crm.mail.sending import sends_mail
from quarterdeck_crm.models import User
from quarterdeck_crm.models.columns import utc_now

HAND_SECONDS = 3 * 24 * 3600  # of a link that an administrator hands over
MAIL_SECONDS = 3600  # mail is forwarded and archived
USED = _l("This link was used already, or it is too old.")


def make_link_token(user: User, *, seconds: int = HAND_SECONDS) -> str:
    """Return a token that lets its holder set the user's password, once, within ``seconds``.

    It names the sign-in version, which the new password raises: so it works once, and
    every link given before is dead as soon as one is used.
    """
    return _signer().dumps([user.id, user.auth_version, seconds])


def mailed_link(user: User) -> str:
    """Return the address for a mail, which works for an hour."""
    return public_url("auth.reset_link", token=make_link_token(user, seconds=MAIL_SECONDS))


def require_mailable(user: User) -> None:
    """Refuse to mail a link that cannot be sent, or would not work.

    Raises:
        ConflictError: If this CRM sends no mail, or the user is disabled.
    """
    if not sends_mail():
        raise ConflictError(_("This CRM sends no mail. Make a sign-in link and hand it over."))
    if not user.is_active:
        raise ConflictError(_("%(name)s is disabled. Enable them first.", name=user.name))


async def open_link(session: AsyncSession, token: str) -> User:
    """Return the user of a password link.

    Raises:
        LinkUsedError: If it is forged, too old, used, or the user is disabled.
    """
    try:
        (user_id, version, seconds), made = _signer().loads(token, return_timestamp=True)
    except (BadSignature, ValueError):  # the links of older versions have no seconds
        user = None
    else:
        user = await session.get(User, user_id)
        is_young = (utc_now() - made).total_seconds() <= seconds
        is_right = user and user.is_active and user.auth_version == version and is_young
        user = user if is_right else None
    if user is None:
        raise LinkUsedError(USED)
    return user


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="set-password")
