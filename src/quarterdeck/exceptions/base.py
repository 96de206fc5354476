"""The base of all errors, and those that any room may raise."""

from __future__ import annotations


class QuarterdeckError(Exception):
    """Base of all errors raised by the kit."""


class ConfigurationError(QuarterdeckError, ValueError):
    """A configuration key holds a value that cannot work."""

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{key}' {problem}. {remedy}")
        self.key = key
        self.problem = problem
        self.remedy = remedy

    def under(self, key: str) -> ConfigurationError:
        """Return the same error for an app that takes the value from another name."""
        return ConfigurationError(key, self.problem, self.remedy)


class MissingPackageError(QuarterdeckError, ModuleNotFoundError):
    """A package of an extra is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"'{package}' is not installed. Install it with: pip install 'quarterdeck[{extra}]'",
            name=package,
        )


class ExtensionNotInitializedError(QuarterdeckError, RuntimeError):
    """An extension was used in an app that it was never initialised for."""

    def __init__(self, extension: str) -> None:
        super().__init__(
            f"'{extension}' is not initialised for the current app. "
            f"Call '{extension}.init_app(app)' in the application factory first."
        )


class MarkWithoutExtensionError(QuarterdeckError, RuntimeError):
    """A decorator has no effect, because the app lacks the extension that reads it."""

    def __init__(self, decorator: str, endpoint: str, extension: str) -> None:
        super().__init__(
            f"'@{decorator}' of '{endpoint}' has no effect: the app has no '{extension}'. "
            f"Call '{extension}(app)' in the application factory, or remove the decorator."
        )


class ExtensionAlreadyInitializedError(QuarterdeckError, RuntimeError):
    """The same app was given to 'init_app' of one extension twice."""

    def __init__(self, extension: str) -> None:
        super().__init__(
            f"'{extension}' is already initialised for this app. "
            f"Remove the second call of 'init_app' (or the app from the constructor)."
        )


class AppContextMissingError(QuarterdeckError, RuntimeError):
    """An extension was used where no app is current."""

    def __init__(self, extension: str) -> None:
        super().__init__(
            f"'{extension}' is used outside of a request or command, where no app is current. "
            "Write 'async with app.app_context():' around the call."
        )


class NotAwaitedError(QuarterdeckError, RuntimeError):
    """A call was not awaited, so it did nothing."""

    def __init__(
        self, call: str, place: str = "", remedy: str = "Write 'await' in front of it."
    ) -> None:
        at = f" {place}" if place else ""
        super().__init__(f"'{call}()'{at} did nothing, because it was not awaited. {remedy}")
