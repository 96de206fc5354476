"""The companies we do business with."""

from __future__ import annotations

from quart import Blueprint

bp = Blueprint("accounts", __name__, url_prefix="/accounts")
