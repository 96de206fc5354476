"""Errors of `quarterdeck.moment`."""

from __future__ import annotations

from .base import QuarterdeckError


class MomentArgumentError(QuarterdeckError, ValueError):
    """A time, unit or language could not be understood."""

    def __init__(self, value: object, problem: str, remedy: str) -> None:
        super().__init__(f"{value!r} {problem}. {remedy}")
