"""Tags of records, and fields that administrators add to them."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("tags", __name__, url_prefix="/tags")
custom_fields = Blueprint("fields", __name__, url_prefix="/fields")
