"""Text that is looked up when it is used, as the JSON and session encoders know it."""

from __future__ import annotations


class LazyText:
    """Base of objects whose ``str()`` depends on the reader, such as translated texts."""
