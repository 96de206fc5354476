"""Providers of JSON."""

from __future__ import annotations

from quart.json.provider import DefaultJSONProvider, JSONProvider

__all__ = ["DefaultJSONProvider", "JSONProvider"]
