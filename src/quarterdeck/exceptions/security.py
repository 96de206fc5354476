"""Errors of headers, trusted proxies and rate limits."""

from __future__ import annotations

from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from .base import QuarterdeckError


class SecurityPolicyError(QuarterdeckError, ValueError):
    """A policy holds a name or a value that no browser understands."""

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{name}' {problem}. {remedy}")


class NonceUnavailableError(QuarterdeckError, RuntimeError):
    """A nonce was asked for where it cannot reach the headers of a response."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"'csp_nonce()' {problem}. {remedy}")


class RateLimitExceededError(QuarterdeckError, TooManyRequests):
    """A client made more requests than a rate limit allows: 429 with ``Retry-After``.

    Attributes:
        retry_after: Seconds after which the client may try again, at least 1.
    """

    def __init__(self, seconds: int) -> None:
        TooManyRequests.__init__(
            self,
            description=f"Too many requests. Try again in {_duration(seconds)}.",
            retry_after=seconds,
        )


class RateLimitsUnavailableError(QuarterdeckError, ServiceUnavailable):
    """The storage of the rate limits is away, and requests are refused then: 503."""

    def __init__(self) -> None:
        ServiceUnavailable.__init__(
            self,
            description="This is not available for a moment. Try again soon.",
            retry_after=1,
        )


def _duration(seconds: int) -> str:
    """Return a length of time in words, rounded up."""
    for unit, name in ((3600, "hour"), (60, "minute")):
        if seconds > unit * 2:
            return f"{-(-seconds // unit)} {name}s"
    return f"{seconds} second{'s' if seconds != 1 else ''}"
