"""Changes of many records at once, and the undoing of changes."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("bulk", __name__)
