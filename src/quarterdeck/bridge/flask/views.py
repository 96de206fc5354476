"""Views that are classes; their methods may be plain or ``async``."""

from __future__ import annotations

from quart.views import MethodView, View

__all__ = ["MethodView", "View"]
