"""References by which files name rows that have no code."""

from __future__ import annotations

import secrets


def new_reference() -> str:
    """Return a reference for a new row; the letters keep spreadsheets from rounding it."""
    return f"ref-{secrets.token_hex(8)}"
