"""The application object: Quart with the holes that Flask applications fall into filled."""

from __future__ import annotations

from .application import Quart
from .blueprint import Blueprint

__all__ = ["Blueprint", "Quart"]
