"""Stands in for Flask-Session."""

from __future__ import annotations

from quarterdeck.session import Session

__all__ = ["Session"]
