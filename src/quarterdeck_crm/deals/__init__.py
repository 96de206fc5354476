"""Deals: the pipeline before the order, its stages and its board."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("deals", __name__, url_prefix="/deals")
