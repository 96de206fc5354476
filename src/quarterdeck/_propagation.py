"""Headers that carry the current trace to another service.

They are empty until the room ``quarterdeck.otel`` is in use, and cost nothing then.
"""

from __future__ import annotations

from collections.abc import Callable

_inject: Callable[[dict[str, str]], None] | None = None


def trace_headers() -> dict[str, str]:
    """Return the headers of an outgoing request that belong to the current trace."""
    headers: dict[str, str] = {}
    if _inject is not None:
        _inject(headers)
    return headers


def set_injector(inject: Callable[[dict[str, str]], None]) -> None:
    """Let a function fill in the headers from now on."""
    global _inject
    _inject = inject
