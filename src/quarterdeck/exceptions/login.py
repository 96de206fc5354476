"""Errors of `quarterdeck.login`."""

from __future__ import annotations

from werkzeug.exceptions import ServiceUnavailable

from .base import QuarterdeckError


class CurrentUserUnavailableError(QuarterdeckError, RuntimeError):
    """``current_user`` was used outside a request or WebSocket."""

    def __init__(self) -> None:
        super().__init__(
            "'current_user' is not available outside of a request or WebSocket. "
            "Pass the user, or the user's id, to code that runs elsewhere."
        )


class LoginContextError(QuarterdeckError, RuntimeError):
    """A user was signed in or out where no cookie can be set."""

    def __init__(self, function: str) -> None:
        super().__init__(
            f"'{function}' works only while an HTTP request is handled: "
            f"elsewhere the browser session cannot be saved. Call it in a view."
        )


class RememberDurationError(QuarterdeckError, ValueError):
    """``login_user`` got a length of time that cannot work."""

    def __init__(self, duration: object, expected: str) -> None:
        super().__init__(f"'duration' is {duration!r}. Give {expected}.")


class SessionProtectionError(QuarterdeckError, ValueError):
    """``LoginManager.session_protection`` was set to a mode that does not exist."""

    def __init__(self, mode: object, expected: str) -> None:
        super().__init__(f"'session_protection' is {mode!r}. Set {expected}.")


class UserLoaderError(QuarterdeckError, RuntimeError):
    """The function that finds users is missing or returned something else."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"'user_loader' {problem}. Register 'async def load(user_id): ...' with "
            f"'@login_manager.user_loader' and return a user (see 'UserMixin') or None."
        )


class UserCapabilityError(QuarterdeckError, TypeError):
    """The user object cannot be asked for a role or permission."""

    def __init__(self, method: str, problem: str) -> None:
        super().__init__(
            f"'{method}' of the user {problem}. Give the user class a plain method "
            f"'{method}(name) -> bool'; load what it needs in the user loader."
        )


class AccessConflictError(QuarterdeckError, TypeError):
    """The marks on a view contradict each other or say nothing."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"'view' {problem}. {remedy}")


class LoginViewNotPublicError(QuarterdeckError, RuntimeError):
    """The sign-in page itself asks for sign-in."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"'{endpoint}' is the login view but needs sign-in itself. Mark it with '@public'."
        )


class PasswordHasherBusyError(QuarterdeckError, ServiceUnavailable):
    """Too many passwords are being checked: 503 with Retry-After.

    A hash takes a tenth of a second of a core on purpose. Without a bound, a flood of sign-ins
    would keep every later one waiting for minutes.
    """

    def __init__(self, most: int) -> None:
        super().__init__(
            "Too many people are signing in at the moment. Please try again in a few seconds.",
            retry_after=2,
        )
        self.reason = f"{most} password hashes are under way (LOGIN_HASH_MAX_WAITING)"

    def __str__(self) -> str:
        return f"{self.reason} - {super().__str__()}"
