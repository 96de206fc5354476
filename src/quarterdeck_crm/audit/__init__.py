"""The audit log: sign-ins, and changes that matter for security."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("audit", __name__, url_prefix="/audit")
