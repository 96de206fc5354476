"""Times for the reader: in the browser's own zone and language, readable without a script."""

from __future__ import annotations

from .extension import Moment
from .timestamp import Timestamp

__all__ = ["Moment", "Timestamp"]
