"""Stands in for Flask-WTF: forms that bind themselves to the request, and plain validators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from quart import has_request_context, request

from quarterdeck import _extras

_extras.needs("wtf", "wtforms", "email_validator")

from quarterdeck.wtf import (
    CSRFError,
    FileAllowed,
    FileField,
    FileRequired,
    FileSize,
    MultipleFileField,
    QuartForm,
    csrf_meta_tag,
    generate_csrf,
    validate_csrf,
)
from quarterdeck.wtf import CSRFProtect as KitCSRFProtect
from quarterdeck.wtf.form import submitted_data

from .colours import coloured
from .waiting import wait

__all__ = [
    "CSRFError",
    "CSRFProtect",
    "CsrfProtect",
    "FileAllowed",
    "FileField",
    "FileRequired",
    "FileSize",
    "FlaskForm",
    "Form",
    "MultipleFileField",
    "csrf_meta_tag",
    "file_allowed",
    "file_required",
    "generate_csrf",
    "validate_csrf",
]

file_allowed, file_required = FileAllowed, FileRequired
_AUTO: Any = object()


class FlaskForm(QuartForm):
    """A form that reads the request when it is made, in plain and in async code.

    Its validators may be plain functions that wait, or ``async``. ``validate`` and
    ``validate_on_submit`` are awaited in an ``async def``; a class may override them either way.
    """

    def __init__(
        self,
        formdata: Any = _AUTO,
        obj: object | None = None,
        prefix: str = "",
        data: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> None:
        is_wanted = values.pop("csrf_enabled", None)
        if is_wanted is not None:  # of Flask-WTF before 0.14
            meta = {"csrf": is_wanted, **(meta or {})}
        if formdata is _AUTO:
            is_sent = has_request_context() and request.method in _SUBMIT
            formdata = wait(submitted_data()) if is_sent else None
        super().__init__(formdata, obj, prefix, data, meta, **values)

    def __init_subclass__(cls, **options: Any) -> None:
        for name in ("validate", "validate_on_submit"):
            own = cls.__dict__.get(name)
            if own is not None:
                setattr(cls, name, coloured(own, name=f"form.{name}"))
        # Not that of QuartForm, which has methods that are always awaited.
        super(QuartForm, cls).__init_subclass__(**options)

    async def _validate(self, extra_validators: Any = None) -> bool:
        valid = QuartForm.validate(self, extra_validators)
        return bool(await cast(Any, valid))

    def _validate_on_submit(self, extra_validators: Any = None) -> bool:
        if not self.is_submitted():
            return False
        return bool(self.validate(*() if extra_validators is None else (extra_validators,)))

    validate_on_submit = coloured(_validate_on_submit, name="form.validate_on_submit")


# Not in the body of the class: QuartForm takes only 'async def validate' there.
FlaskForm.validate = coloured(FlaskForm._validate, name="form.validate")  # type: ignore[method-assign]  # see above

_SUBMIT = frozenset({"POST", "PUT", "PATCH", "DELETE"})
Form = FlaskForm


class CSRFProtect(KitCSRFProtect):
    """Refuses unsafe requests without a token; ``protect`` is awaited in an ``async def``."""

    protect = coloured(KitCSRFProtect.protect, name="csrf.protect")


CsrfProtect = CSRFProtect
