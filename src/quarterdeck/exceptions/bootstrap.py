"""Errors of `quarterdeck.bootstrap`."""

from __future__ import annotations

from .base import QuarterdeckError


class BootstrapMissingError(QuarterdeckError, RuntimeError):
    """The package that the macros and assets come from is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "'bootstrap-flask' is not installed. "
            "Install it with: pip install 'quarterdeck[bootstrap]'"
        )


class IconNotFoundError(QuarterdeckError, LookupError):
    """There is no icon of this name."""

    def __init__(self, name: str, similar: list[str]) -> None:
        hint = f"Did you mean {', '.join(map(repr, similar))}?" if similar else "Check the name."
        super().__init__(f"'{name}' is not a Bootstrap icon. {hint}")


class MacroUseError(QuarterdeckError, RuntimeError):
    """A macro was called in a way that cannot work."""

    def __init__(self, message: str) -> None:
        super().__init__(f"'bootstrap' macro was called wrongly. {message}")
