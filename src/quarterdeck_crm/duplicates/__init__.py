"""Likely duplicates among accounts and people: their list, and merging two records into one."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("duplicates", __name__, url_prefix="/duplicates")
