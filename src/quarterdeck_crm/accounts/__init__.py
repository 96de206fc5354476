"""The companies we do business with, their people, and what we noted about them."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("accounts", __name__, url_prefix="/accounts")
