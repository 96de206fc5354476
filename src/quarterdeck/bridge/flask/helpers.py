"""Helpers of views: each is awaited in an ``async def``, and called as before in a plain one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any

import quart
from flask.helpers import get_debug_flag, get_load_dotenv, get_root_path
from quart import abort, redirect, url_for

from quarterdeck import app as kit
from quarterdeck._quart import app_context, current_request_context
from quarterdeck.bridge.colours import coloured

from .app import get_flashed_messages
from .wrappers import BothWays

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "locked_cached_property",
    "make_response",
    "redirect",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "total_seconds",
    "url_for",
]

flash = coloured(quart.flash, name="flash")
send_from_directory = coloured(kit.send_from_directory, name="send_from_directory")


@coloured
async def get_template_attribute(template_name: str, attribute: str) -> Any:
    """Return a macro or a variable that a template exports."""
    template = quart.current_app.jinja_env.get_template(template_name)
    return getattr(template.module, attribute)


@coloured
async def make_response(*args: Any) -> Any:
    """Return the response that a view with these values would give."""
    app: Any = quart.current_app
    if not args:
        return app.response_class("")
    return await app.make_response(args[0] if len(args) == 1 else args)


@coloured
async def send_file(path_or_file: Any, *args: Any, **options: Any) -> Any:
    """Return the response that sends a file; takes Flask's arguments, also the old ones."""
    options.pop("environ", None)
    return await kit.send_file(path_or_file, *args, **options)


def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request context, and what is in ``g``, for a generator that makes a response."""
    if callable(generator_or_function):

        @wraps(generator_or_function)
        def make(*args: Any, **options: Any) -> BothWays:
            return BothWays(_with_context(generator_or_function(*args, **options)))

        return make
    return BothWays(_with_context(generator_or_function))


def _with_context(pieces: Any) -> Any:
    """Return the pieces of a generator that runs in a copy of the current request context."""
    copied = current_request_context().copy()
    kept = {
        name: value
        for name, value in vars(app_context().g).items()
        if not name.startswith("_quarterdeck")  # what is closed at the end of the request
    }

    async def stream() -> Any:
        source = BothWays(pieces)
        async with copied:
            vars(app_context().g).update(kept)
            try:
                async for piece in source:
                    yield piece
            finally:
                await source.aclose()

    return stream()


def locked_cached_property(function: Callable[[Any], Any]) -> Any:
    """Return a cached property; the name of an older Flask."""
    return cached_property(function)


def total_seconds(delta: Any) -> int:
    """Return the seconds of a time span; the name of an older Flask."""
    return int(delta.total_seconds())
