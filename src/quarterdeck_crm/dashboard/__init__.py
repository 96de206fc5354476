"""The first page after signing in, the search over everything, and the looks of the site."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("dashboard", __name__)
