"""Mail to users and contacts, and the outbox page for administrators."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("mail", __name__, url_prefix="/mail")
