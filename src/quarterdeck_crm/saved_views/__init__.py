"""Saved views of lists: filters, order and columns under a name, for oneself or for all."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("saved_views", __name__, url_prefix="/views")
