"""Notifications: what a user should know, kept until it is read."""

from __future__ import annotations

from quarterdeck.app import Blueprint

bp = Blueprint("notifications", __name__, url_prefix="/notifications")
