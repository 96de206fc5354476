"""The board: orders in columns by state, moved from one to the next."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("board", __name__, url_prefix="/board")
