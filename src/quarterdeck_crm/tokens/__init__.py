"""Tokens that let programs act for a user: their pages, and how a request is known by one."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("tokens", __name__, url_prefix="/auth/tokens")
