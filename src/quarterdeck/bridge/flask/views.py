"""Views that are classes; their methods may be plain or ``async``."""

from __future__ import annotations

from flask.views import http_method_funcs
from quart.views import MethodView, View

__all__ = ["MethodView", "View", "http_method_funcs"]
