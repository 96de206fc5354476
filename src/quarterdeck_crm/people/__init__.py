"""People, the ways to reach them, and the accounts that they belong to."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("people", __name__, url_prefix="/people")
