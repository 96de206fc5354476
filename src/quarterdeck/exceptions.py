"""Every error that Quarterdeck raises for a programmer or an operator.

Messages read: quoted name of the thing - what is wrong - what to do.
HTTP conditions (404, 403, ...) stay werkzeug exceptions and do not live here.
"""

from __future__ import annotations


class QuarterdeckError(Exception):
    """Base of all errors raised by the kit."""


# --- ground floor ---------------------------------------------------------------


class ConfigurationError(QuarterdeckError, ValueError):
    """A configuration key holds a value that cannot work."""

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{key}' {problem}. {remedy}")
        self.key = key


class ExtensionNotInitializedError(QuarterdeckError, RuntimeError):
    """An extension was used in an app that it was never initialised for."""

    def __init__(self, extension: str) -> None:
        super().__init__(
            f"'{extension}' is not initialised for the current app. "
            f"Call '{extension}.init_app(app)' in the application factory first."
        )


class ExtensionAlreadyInitializedError(QuarterdeckError, RuntimeError):
    """The same app was given to 'init_app' of one extension twice."""

    def __init__(self, extension: str) -> None:
        super().__init__(
            f"'{extension}' is already initialised for this app. "
            f"Remove the second call of 'init_app' (or the app from the constructor)."
        )


# --- app, routing ---------------------------------------------------------------


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


# --- wtf ------------------------------------------------------------------------


class FormNotAwaitedError(QuarterdeckError, TypeError):
    """The outcome of a validation was used without ``await``."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"'{method}' - was called without 'await', so nothing was validated - "
            f"write 'if await form.{method.rpartition('.')[2]}():' in an async function."
        )


class FormNotBoundError(QuarterdeckError, RuntimeError):
    """A submitted request was validated by a form that never saw its data."""

    def __init__(self, form: str) -> None:
        super().__init__(
            f"'{form}' - was made without the data of the submitted request - "
            f"make it with 'form = await {form}.from_request()'."
        )


class AsyncValidatorError(QuarterdeckError, TypeError):
    """An async validator stands where only synchronous code would call it."""

    def __init__(self, field: str, validator: str) -> None:
        super().__init__(
            f"'{field}' - its validator '{validator}' is async and nobody would await it - "
            "validate with 'await form.validate()', and derive enclosed forms from QuartForm."
        )


class SyncValidateError(QuarterdeckError, TypeError):
    """A form class overrides ``validate`` with a plain function."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"'{method}' - is not async, so it cannot await the validators - "
            "write 'async def validate(...)' and 'await super().validate(...)'."
        )


# --- commands -------------------------------------------------------------------


class CommandInLoopError(QuarterdeckError, RuntimeError):
    """A command that needs its own event loop was started while one is running."""

    def __init__(self, command: str) -> None:
        super().__init__(
            f"'{command}' is a command with an event loop of its own and was started inside a "
            f"running one. Start it in a thread: 'await asyncio.to_thread(runner.invoke, ...)'."
        )


# --- login ----------------------------------------------------------------------


class CurrentUserUnavailableError(QuarterdeckError, RuntimeError):
    """``current_user`` was used where nobody is asking."""

    def __init__(self) -> None:
        super().__init__(
            "'current_user' is not available outside of a request or WebSocket. "
            "Pass the user, or the user's id, to code that runs elsewhere."
        )


class LoginContextError(QuarterdeckError, RuntimeError):
    """Somebody was signed in or out where no cookie can be set."""

    def __init__(self, function: str) -> None:
        super().__init__(
            f"'{function}' works only while an HTTP request is handled: "
            f"elsewhere the browser session cannot be saved. Call it in a view."
        )


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
