"""The JSON API: the services of the pages, for programs."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("api", __name__, url_prefix="/api/v1")
