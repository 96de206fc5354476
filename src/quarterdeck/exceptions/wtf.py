"""Errors of `quarterdeck.wtf`."""

from __future__ import annotations

from werkzeug.exceptions import BadRequest

from .base import QuarterdeckError

REASONS = {
    "token_missing": "The security token is missing. Reload the page and send the form again.",
    "token_expired": "The page was open for too long. Reload it and send the form again.",
    "token_invalid": "The security token is not valid. Reload the page and send the form again.",
    "token_mismatch": "You have signed in or out since the page was loaded. "
    "Reload it and send the form again.",
    "session_missing": "Your session has ended, or the browser does not keep cookies. "
    "Allow cookies for this site, reload the page and send the form again.",
    "referrer_missing": "The browser did not say which page the form was sent from. "
    "Allow it to send the referrer to this site.",
    "referrer_mismatch": "The form was sent from another site.",
}

NOT_SAVED = {
    "token_expired": ", because the page was open for too long",
    "token_mismatch": ", because you signed in or out after the page was loaded",
    "session_missing": ", because your session has ended or the browser does not keep cookies",
}


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


class FormVersionError(QuarterdeckError, RuntimeError):
    """An object was filled from a form with a version that was not compared with its own."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"'{field}' of the form is not the version of the object, so the changes of another "
            "user could be lost. Make the form with 'await MyForm.from_request(obj=row)', and "
            "fill the row only if 'await form.validate_on_submit()' is true."
        )


class FileNotSeekableError(QuarterdeckError, TypeError):
    """The size of a file cannot be found without reading it."""

    def __init__(self, filename: str | None) -> None:
        super().__init__(
            f"'{filename}' is a stream that is not seekable, so its size is not known. "
            "Read it into a 'SpooledTemporaryFile' first."
        )


class CSRFError(QuarterdeckError, BadRequest):
    """An unsafe request may come from another site.

    Error handlers for this class or for 400 answer it.

    Attributes:
        reason: A key of ``REASONS``, such as ``token_missing``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason

    @property
    def in_form(self) -> str:
        """The message for a form that is shown again with its entries."""
        because = NOT_SAVED.get(self.reason, "")
        return f"Nothing was saved yet{because}. Check your entries and send them again."
