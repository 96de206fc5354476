"""Orders: their lines, their states and their effect on the stock."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("orders", __name__, url_prefix="/orders")
