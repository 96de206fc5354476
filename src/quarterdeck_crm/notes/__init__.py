"""Notes and comments on records."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("notes", __name__, url_prefix="/notes")
