"""Tasks, with a due date, an assignee, and a link to a record."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("tasks", __name__, url_prefix="/tasks")
