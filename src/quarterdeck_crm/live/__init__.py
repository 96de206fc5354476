"""Live: the WebSockets on which pages and programs hear of changes."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("live", __name__)
