"""The goods: a blueprint with templates and static files of its own."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint(
    "goods", __name__, url_prefix="/goods", template_folder="templates", static_folder="static"
)
