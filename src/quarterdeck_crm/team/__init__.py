"""The people who use the CRM."""

from __future__ import annotations

from quart import Blueprint

bp = Blueprint("team", __name__, url_prefix="/team")

from . import views  # noqa: E402, F401 - the views register themselves on the blueprint
