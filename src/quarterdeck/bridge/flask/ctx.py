"""Contexts, and functions about them."""

from __future__ import annotations

from quart import (
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from quart.ctx import AppContext

__all__ = [
    "AppContext",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
]
