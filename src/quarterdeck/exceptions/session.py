"""Errors of `quarterdeck.session`."""

from __future__ import annotations

from werkzeug.exceptions import ServiceUnavailable

from .base import QuarterdeckError


class SessionUnavailableError(QuarterdeckError, ServiceUnavailable):
    """The session store is down or too slow: 503 with Retry-After.

    Attributes:
        reason: The cause, for operators; visitors are only asked to come back.
    """

    def __init__(self, store: str, problem: str, *, retry_after: int = 2) -> None:
        super().__init__(
            "Sign-in is not available at the moment. Please try again soon.",
            retry_after=retry_after,
        )
        self.reason = f"the session store '{store}' does not answer: {problem}"

    def __str__(self) -> str:
        return f"{self.reason} - {super().__str__()}"


class StatelessSessionError(QuarterdeckError, RuntimeError):
    """A view that was marked as needing no session used it."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"'session' was used while '{endpoint}' was answered, which is stateless. "
            "Remove '@stateless' from the view (or its blueprint), or do not use the session."
        )


class SessionHandshakeError(QuarterdeckError, RuntimeError):
    """A WebSocket changed its session in a way that needs a new cookie."""

    def __init__(self) -> None:
        super().__init__(
            "'session' needs a new cookie, and a WebSocket cannot set one after its handshake. "
            "Begin the session, and change its id, in an HTTP view; with SESSION_TYPE 'null' "
            "make every change there."
        )


class SessionValueError(QuarterdeckError, TypeError):
    """The session holds a value that cannot be stored."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(
            f"'session[{key!r}]' cannot be stored: {problem}. "
            "Keep text, numbers, dates, lists and dictionaries, or the id of an object."
        )


class SessionUnreadableError(QuarterdeckError, ValueError):
    """A row of the session store is not in the configured format."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"'session' row is not in the configured format: {problem}. "
            "Check SESSION_SERIALIZATION_FORMAT, and that no other app uses SESSION_KEY_PREFIX."
        )


class SessionListingError(QuarterdeckError, RuntimeError):
    """The sessions of a user were asked for where they cannot be listed."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"'{store}' session store cannot list the sessions of a user. "
            "Set SESSION_TYPE to 'sqlalchemy', 'redis', 'mongodb' or 'filesystem'."
        )
