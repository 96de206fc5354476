"""JSON with the provider of the current app."""

from __future__ import annotations

from quart.json import dump, dumps, jsonify, load, loads

__all__ = ["dump", "dumps", "jsonify", "load", "loads"]
