"""Orders and their states."""

from __future__ import annotations

from quart import Blueprint

bp = Blueprint("orders", __name__, url_prefix="/orders")
