"""The blueprint."""

from __future__ import annotations

from typing import Any

from quarterdeck.app import Blueprint as KitBlueprint

from .cli import AppGroup
from .resources import Resources

__all__ = ["Blueprint"]


class Blueprint(Resources, KitBlueprint):
    """A blueprint. Its functions may be plain or ``async``."""

    def __init__(self, name: str, import_name: str, *args: Any, **options: Any) -> None:
        super().__init__(name, import_name, *args, **options)
        self.cli = AppGroup(name=self.name)
