"""Signing in and out, and one's own profile."""

from __future__ import annotations

from quart import Blueprint

bp = Blueprint("auth", __name__, url_prefix="/auth")

from . import views  # noqa: E402, F401 - the views register themselves on the blueprint
