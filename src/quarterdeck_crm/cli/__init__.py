"""The commands of the CRM."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart


def register_commands(app: Quart) -> None:
    """Add the CRM's commands to ``app.cli``."""
