"""The application object: Quart with the holes that Flask applications fall into filled."""

from __future__ import annotations

from .application import Quart
from .blueprint import Blueprint
from .json import MsgspecJSONProvider
from .request import Request
from .response import Response

__all__ = ["Blueprint", "MsgspecJSONProvider", "Quart", "Request", "Response"]
