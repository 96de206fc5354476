"""Accounts, with their contacts and notes."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("accounts", __name__, url_prefix="/accounts")
