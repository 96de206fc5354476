"""Form fields that Bootstrap adds."""

from __future__ import annotations

from wtforms import BooleanField


class SwitchField(BooleanField):
    """A checkbox that the form macros show as a switch."""
