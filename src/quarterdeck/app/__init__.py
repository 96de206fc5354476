"""The application object: Quart with the holes that Flask applications fall into filled."""

from __future__ import annotations

from .application import Quart
from .blueprint import Blueprint
from .helpers import send_file, send_from_directory, stream_with_context
from .json import MsgspecJSONProvider
from .request import Request
from .response import Response

__all__ = [
    "Blueprint",
    "MsgspecJSONProvider",
    "Quart",
    "Request",
    "Response",
    "send_file",
    "send_from_directory",
    "stream_with_context",
]
