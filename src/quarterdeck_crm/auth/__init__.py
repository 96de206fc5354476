"""Signing in and out, and one's own profile."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("auth", __name__, url_prefix="/auth")
