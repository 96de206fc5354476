"""The handler of the log of an app."""

from __future__ import annotations

from flask.logging import create_logger, default_handler, has_level_handler, wsgi_errors_stream

__all__ = ["create_logger", "default_handler", "has_level_handler", "wsgi_errors_stream"]
