"""The base of all errors, and those that any room may raise."""

from __future__ import annotations


class QuarterdeckError(Exception):
    """Base of all errors raised by the kit."""


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
