"""The audit log: who signed in, and who changed what matters for security."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("audit", __name__, url_prefix="/audit")
