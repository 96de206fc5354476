"""Errors of `quarterdeck.app` and `quarterdeck.routing`."""

from __future__ import annotations

from .base import QuarterdeckError


class InvalidExpressionError(QuarterdeckError, ValueError):
    """The regular expression in a URL rule cannot be compiled."""

    def __init__(self, expression: str, problem: str) -> None:
        super().__init__(
            f"'{expression}' is not a regular expression: {problem}. Correct it in the URL rule."
        )


class InvalidStatusError(QuarterdeckError, ValueError):
    """A view answered with a status that HTTP does not have."""

    def __init__(self, status: object) -> None:
        super().__init__(
            f"'{status}' is not an HTTP status. "
            "Answer with a number from 100 to 599, alone or followed by a reason: '403 No entry'."
        )


class ApplicationClassError(QuarterdeckError, TypeError):
    """Something was used that only ``quarterdeck.app.Quart`` has."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' needs the kit's application object. "
            "Create the app with 'from quarterdeck.app import Quart'."
        )


class RequestClassError(QuarterdeckError, TypeError):
    """The request class of an app is not derived from that of the kit."""

    def __init__(self, found: type) -> None:
        super().__init__(
            f"'request_class' is '{found.__module__}.{found.__qualname__}', which lacks methods "
            "that this app needs. Derive it from 'quarterdeck.app.Request'."
        )


class SessionCookieTooLargeError(QuarterdeckError, ValueError):
    """The session holds more than a browser keeps in one cookie."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"'session' makes a cookie of {size} bytes, browsers drop those above {limit}. "
            "Keep less in it, or keep sessions on the server with 'quarterdeck.session'."
        )


class ContextEndedError(QuarterdeckError, RuntimeError):
    """A task used ``g`` after the request or app context it was started in had ended."""

    def __init__(self) -> None:
        super().__init__(
            "'g' belongs to a context that has ended, and what hung on it is closed. "
            "Start such work with 'app.add_background_task(function)': it has a 'g' of its own."
        )
