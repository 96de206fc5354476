"""The first page after signing in."""

from __future__ import annotations

from quart import Blueprint

bp = Blueprint("dashboard", __name__)
