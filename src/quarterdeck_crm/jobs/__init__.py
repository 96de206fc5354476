"""The scheduled jobs of the CRM, and the pages on which administrators look after them."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("jobs", __name__, url_prefix="/jobs")
