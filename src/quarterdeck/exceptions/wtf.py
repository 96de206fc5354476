"""Errors of `quarterdeck.wtf`."""

from __future__ import annotations

from .base import QuarterdeckError


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
