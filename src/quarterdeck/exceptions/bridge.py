"""Errors of `quarterdeck.bridge`."""

from __future__ import annotations

from .base import QuarterdeckError


class BridgeError(QuarterdeckError, RuntimeError):
    """Synchronous code was to wait where it cannot."""
