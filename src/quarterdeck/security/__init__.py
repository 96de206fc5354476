"""Headers that make browsers strict, and the real client behind trusted proxies."""

from __future__ import annotations

from .extension import Security
from .nonce import csp_nonce
from .overrides import security_headers

__all__ = ["Security", "csp_nonce", "security_headers"]
