"""The tagged JSON of sessions."""

from __future__ import annotations

from flask.json.tag import JSONTag, TaggedJSONSerializer

__all__ = ["JSONTag", "TaggedJSONSerializer"]
