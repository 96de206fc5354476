"""Addresses of pages for mail, which has no request that they could be relative to.

They begin with ``PUBLIC_URL`` and never with the ``Host`` header: a stranger chooses that header,
and a link to a new password would lead to the stranger's site.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer
from quart import current_app, url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.errors import LinkUsedError
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import User

UNSUBSCRIBE = "unsubscribe"
KINDS = ("changes", "daily", "notifications")


def public_url(endpoint: str, **values: Any) -> str:
    """Return the full address of a page."""
    base = urlsplit(current_app.config["PUBLIC_URL"])
    path = base.path.rstrip("/") + "/"
    adapter = current_app.url_map.bind(base.netloc, path, url_scheme=base.scheme)
    return adapter.build(endpoint, values, force_external=True)


def shown_url(endpoint: str, **values: Any) -> str:
    """Return the full address of a page for the user that looks at one, also without mail."""
    if current_app.config["PUBLIC_URL"]:
        return public_url(endpoint, **values)
    return url_for(endpoint, **values, _external=True)


def unsubscribe_url(user: User, kind: str) -> str:
    """Return the address at which a user, signed in or not, ends one kind of mail."""
    return public_url("mail.unsubscribe", token=_signer().dumps([user.id, kind]))


async def open_unsubscribe(session: AsyncSession, token: str) -> tuple[User, str]:
    """Return the user and the kind of mail of a link, which works for as long as the user exists.

    Raises:
        LinkUsedError: If it is forged.
    """
    try:
        user_id, kind = _signer().loads(token)
    except BadSignature:
        raise LinkUsedError(
            _l("This link is not complete. Copy all of it from the mail.")
        ) from None
    user = await session.get(User, user_id)
    if user is None or kind not in KINDS:
        raise LinkUsedError(_l("This link belongs to a user that no longer exists."))
    return user, kind


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=UNSUBSCRIBE)
