"""Errors of `quarterdeck.babel`."""

from __future__ import annotations

from .base import QuarterdeckError


class CatalogError(QuarterdeckError, ValueError):
    """A catalogue of translations cannot be read."""

    def __init__(self, path: object, problem: object) -> None:
        super().__init__(
            f"'{path}' cannot be read: {problem}. Correct the file, or compile it again with "
            "'quart babel compile'."
        )


class AsyncSelectorError(QuarterdeckError, RuntimeError):
    """A locale or time zone is needed before its async selector has run."""

    def __init__(self, selector: str) -> None:
        super().__init__(
            f"'{selector}' is async and has not run in this context. It runs before the view of a "
            "request or WebSocket; after 'refresh()', write 'await refresh()'."
        )
