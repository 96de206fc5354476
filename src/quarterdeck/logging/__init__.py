"""Request ids, slow requests, and log records as readable lines or as JSON.

``Logging(app)`` gives each request an id and names slow requests. ``setup("json")`` decides how
the process writes its log records; with ``LOG_FORMAT`` the extension calls it.
"""

from __future__ import annotations

from quarterdeck._logs import JSONFormatter, TextFormatter, setup

from .extension import Logging, request_id

__all__ = ["JSONFormatter", "Logging", "TextFormatter", "request_id", "setup"]
