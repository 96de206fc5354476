"""Rate limits for views, blueprints and WebSockets, and growing delays for failed sign-ins.

Needs ``quarterdeck[limits]``; with Redis or Valkey also ``quarterdeck[redis]``.
"""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("limits", "limits")

from .config import rate
from .decorators import exempt, limit, shared_limit
from .extension import Limiter
from .keys import get_remote_address
from .sign_in import SignInAttempt

__all__ = [
    "Limiter",
    "SignInAttempt",
    "exempt",
    "get_remote_address",
    "limit",
    "rate",
    "shared_limit",
]
