"""Import and export: CSV files through the commands and through pages."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("transfer", __name__, url_prefix="/transfer")
