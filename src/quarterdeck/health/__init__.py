"""Whether an app can work: its dependencies, each asked with a time limit."""

from __future__ import annotations

from .extension import Health

__all__ = ["Health"]
