"""Stands in for ``flask``: every public name, for plain functions and for ``async`` ones.

What needs an ``await`` in Quart gives an awaitable to an ``async def``, and waits in a plain
``def``.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from markupsafe import Markup, escape
from quart import (
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)

from quarterdeck.bridge.old_names import install_old_names

from . import json as json
from .app import Flask
from .blueprints import Blueprint
from .config import Config
from .globals import _app_ctx_stack as _app_ctx_stack
from .globals import _request_ctx_stack as _request_ctx_stack
from .globals import current_app, g, request, session
from .helpers import (
    abort,
    flash,
    get_flashed_messages,
    get_template_attribute,
    make_response,
    redirect,
    send_file,
    send_from_directory,
    stream_with_context,
    url_for,
)
from .json import jsonify
from .signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    before_render_template,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    signals_available,
    template_rendered,
)
from .templating import (
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from .wrappers import Request, Response

__all__ = [
    "Blueprint",
    "Config",
    "Flask",
    "Markup",
    "Request",
    "Response",
    "abort",
    "after_this_request",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "copy_current_request_context",
    "current_app",
    "escape",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "json",
    "jsonify",
    "make_response",
    "message_flashed",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "signals_available",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "template_rendered",
    "url_for",
]


install_old_names()


def __getattr__(name: str) -> Any:
    """Return the version of Flask that is installed, for code that asks for it."""
    if name == "__version__":
        return version("flask")
    raise AttributeError(f"'quarterdeck.bridge.flask' has no '{name}'.")
