"""Tasks: what is to be done, by whom and when."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("tasks", __name__, url_prefix="/tasks")
