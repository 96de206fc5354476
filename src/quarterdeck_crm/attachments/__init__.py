"""Files of accounts, deals and orders, and pictures of goods."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("attachments", __name__, url_prefix="/files")
