"""Types of views and responses."""

from __future__ import annotations

from quart.typing import ResponseReturnValue, RouteCallable

__all__ = ["ResponseReturnValue", "RouteCallable"]
