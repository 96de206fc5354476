"""Errors of `quarterdeck.testing`."""

from __future__ import annotations

from .base import QuarterdeckError


class IsolatedTransactionError(QuarterdeckError, RuntimeError):
    """Transactions met in a way that one shared connection cannot serve."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"'isolated_database': {problem}. {remedy}.")
