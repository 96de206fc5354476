"""Compressed answers: pages and documents with gzip, streams untouched."""

from __future__ import annotations

from .extension import Compress

__all__ = ["Compress"]
