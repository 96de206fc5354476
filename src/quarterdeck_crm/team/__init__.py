"""The users of the CRM."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("team", __name__, url_prefix="/team")
