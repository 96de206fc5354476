"""The proxies of the current context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quart import globals as quart_globals

from quarterdeck._quart import app_context, request_context

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]

# Their attributes have two types: plain code gets results, and async code awaits them.
current_app: Any = quart_globals.current_app
g: Any = quart_globals.g
request: Any = quart_globals.request
session: Any = quart_globals.session
app_ctx = quart_globals.app_ctx
request_ctx = getattr(quart_globals, "request_ctx", app_ctx)  # one context from Quart 0.23 on


class _Stack:
    """The stack of contexts of Flask 1, as far as its top."""

    def __init__(self, current: Callable[[], Any]) -> None:
        self._current = current

    @property
    def top(self) -> Any:
        return self._current()


_app_ctx_stack = _Stack(app_context)
_request_ctx_stack = _Stack(request_context)
