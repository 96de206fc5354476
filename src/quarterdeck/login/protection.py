"""Session protection: a session that comes from elsewhere is not fresh, or ends."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from quart import has_request_context, session

from .config import STATE
from .context import connection
from .keys import FRESH, IDENTIFIER, REPLACED, USER_ID
from .signals import send, session_protected


def identifier() -> str:
    """Return a hash of the address and the program of the visitor."""
    current: Any = connection()
    agent = current.headers.get("User-Agent", "")
    return hashlib.sha256(f"{current.remote_addr}|{agent}".encode()).hexdigest()


async def is_refused() -> bool:
    """Check where the session of a user comes from; true if it was signed out.

    With "basic", and for a permanent session, a session from elsewhere is not fresh any more.
    """
    mode = STATE.get().session_protection
    known = session.get(IDENTIFIER)
    if mode is None or known is None or USER_ID not in session:
        return False
    if hmac.compare_digest(str(known), identifier()):
        return False
    await send(session_protected)
    if mode == "strong" and not session.permanent:
        if has_request_context():
            for key in REPLACED & session.keys():
                del session[key]
        return True
    if session.get(FRESH) is not False and has_request_context():
        session[FRESH] = False
    return False
