"""Forms: WTForms, bound to the current request and validated with ``await``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from typing import Any, Self

from markupsafe import Markup
from quart import has_request_context, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from wtforms import Field, Form, FormField, ValidationError
from wtforms.csrf.core import CSRF
from wtforms.csrf.core import CSRFTokenField as _CSRFTokenField
from wtforms.fields import FileField, HiddenField, MultipleFileField, PasswordField
from wtforms.form import BaseForm
from wtforms.meta import DefaultMeta
from wtforms.widgets import HiddenInput

from quarterdeck._languages import translated
from quarterdeck.exceptions import (
    CSRFError,
    FormNotAwaitedError,
    FormNotBoundError,
    SyncValidateError,
)

from ._validation import Extra, refuse_async, validate_form
from .config import csrf_enabled, settings
from .resubmission import refusal
from .tokens import generate_csrf, is_settled, log, validate_csrf
from .translations import translations, translations_of_visitor

SUBMIT_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Verdict(Awaitable[bool]):
    """The outcome of a validation, to be awaited; without ``await`` it refuses to be used."""

    def __init__(self, outcome: Coroutine[Any, Any, bool], method: str) -> None:
        self._outcome = outcome
        self._method = method

    def __await__(self) -> Generator[Any, Any, bool]:
        return self._outcome.__await__()

    def __bool__(self) -> bool:
        self._outcome.close()
        raise FormNotAwaitedError(self._method)


def _awaited(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let an async method return a Verdict."""
    if not inspect.iscoroutinefunction(method):
        raise SyncValidateError(method.__qualname__)

    @functools.wraps(method)
    def start(*args: Any, **kwargs: Any) -> Verdict:
        return Verdict(method(*args, **kwargs), method.__qualname__)

    return start


class CSRFTokenField(_CSRFTokenField):
    """The hidden field with the token, which is made when the field is rendered."""

    def process(self, *args: Any, **kwargs: Any) -> None:
        HiddenField.process(self, *args, **kwargs)

    @property
    def current_token(self) -> str:  # type: ignore[override]  # read only here
        return self.csrf_impl.generate_csrf_token(self)


class SessionCSRF(CSRF):
    """Ties the token field of forms to the tokens of the browser session."""

    field_class = CSRFTokenField

    def setup_form(self, form: BaseForm) -> Any:
        self._meta: Any = form.meta
        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: _CSRFTokenField) -> str:
        return generate_csrf(self._meta.csrf_secret)

    def validate_csrf_token(self, form: BaseForm, field: _CSRFTokenField) -> None:
        if is_settled():
            return
        try:
            validate_csrf(field.data, self._meta.csrf_secret, self._meta.csrf_time_limit)
        except CSRFError as error:
            log(error)
            raise ValidationError(str(error.description)) from error


class QuartMeta(DefaultMeta):
    """The base of ``class Meta`` of a form: a CSRF token unless it is switched off."""

    csrf_class = SessionCSRF
    csrf_secret: Any = None  # that of the app
    csrf_time_limit: Any = None

    @functools.cached_property
    def csrf(self) -> bool:  # type: ignore[override]  # decided per form
        """One token per page: not for enclosed forms, nor outside a request."""
        enclosed = getattr(self, "_parent_form", None) is not None
        return not enclosed and has_request_context() and csrf_enabled()

    @functools.cached_property
    def csrf_field_name(self) -> str:  # type: ignore[override]  # decided per app
        return settings().field_name

    def get_translations(self, form: BaseForm) -> Any:
        """Return the messages in the language of the visitor; ``locales`` of the form win."""
        return translations_of_visitor() if self.locales is False else translations(self.locales)

    def bind_field(self, form: BaseForm, unbound_field: Any, options: Any) -> Any:
        field = super().bind_field(form, unbound_field, options)
        refuse_async(field)
        return field


class QuartForm(Form):
    """A form with validators that may be async.

    An async validator may stand in a field's list of validators (a function or an object with
    an async ``__call__``), inline as ``async def validate_<field>(form, field)``, or in forms
    and fields enclosed by ``FormField`` and ``FieldList``. They run one after the other.

    Make it with ``form = await MyForm.from_request()``, then
    ``if await form.validate_on_submit():``.
    """

    Meta = QuartMeta

    def __init__(
        self,
        formdata: Any = None,
        obj: object | None = None,
        prefix: str = "",
        data: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._is_bound = formdata is not None
        super().__init__(formdata, obj, prefix, data, meta, **kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "validate" in cls.__dict__:
            cls.validate = _awaited(cls.validate)  # type: ignore[method-assign]  # same signature
        locales: Any = getattr(cls.Meta, "locales", None)
        if isinstance(locales, list | tuple):
            translations(locales)  # a request must not wait for the disk

    @classmethod
    async def from_request(
        cls,
        obj: object | None = None,
        *,
        prefix: str = "",
        data: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make the form from the submitted data, or from ``obj`` and defaults without a submission.

        The data is a form, or a flat JSON object; ``JSONForm`` reads nested ones.

        Raises:
            BadRequest: If the body is malformed, or JSON that a form cannot hold.
            RequestEntityTooLarge: If the body is larger than the app allows.
        """
        submitted = await submitted_data() if _is_submitted() else None
        return cls(submitted, obj, prefix, data, meta, **kwargs)

    def is_submitted(self) -> bool:
        """Whether the request is a POST, PUT, PATCH or DELETE."""
        return _is_submitted()

    @property
    def is_refused(self) -> bool:
        """Whether the form is shown again because its token did not fit.

        See ``CSRFProtect.redisplay``.
        """
        return has_request_context() and refusal() is not None

    @_awaited
    async def validate(self, extra_validators: Extra | None = None) -> bool:
        """Validate all fields; their messages are in ``errors``.

        Args:
            extra_validators: Further validators, sync or async, by the name of the field.
        """
        valid = await validate_form(self, extra_validators)
        refused = refusal() if has_request_context() else None
        if refused is not None:
            self.form_errors.append(translated(refused.in_form) + _not_kept(self))
        return valid and not self.form_errors

    @_awaited
    async def validate_on_submit(self, extra_validators: Extra | None = None) -> bool:
        """Whether the request submits the form and it is valid.

        Raises:
            FormNotBoundError: If the request submits but the form was made without its data.
        """
        if not self.is_submitted():
            return False
        if not self._is_bound:
            raise FormNotBoundError(type(self).__name__)
        return bool(await self.validate(extra_validators))

    def hidden_tag(self, *fields: Field | str) -> Markup:
        """The hidden fields, with the CSRF token: all of them or those that are named."""
        chosen = [self[field] if isinstance(field, str) else field for field in fields or self]
        hidden = [field for field in chosen if isinstance(field.widget, HiddenInput)]
        return Markup("\n").join(field() for field in hidden)

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Show errors found after validation, by a service for example.

        Those under another name, or under that of an enclosed form, which has no errors but
        those of its fields, become errors of the whole form.
        """
        for name, messages in errors.items():
            field = self._fields.get(name)
            if field is None or isinstance(field, FormField):
                self.form_errors.extend(messages)
            else:
                field.errors = [*field.errors, *messages]


def _not_kept(form: Form) -> str:
    """Return the request to repeat the entries that no page can hold."""
    hints = {
        PasswordField: " Enter the passwords again.",
        FileField: " Choose the files again.",
        MultipleFileField: " Choose the files again.",
    }
    needed = {hints[kind]: None for kind in hints for field in form if isinstance(field, kind)}
    return "".join(translated(hint) for hint in needed)


def _is_submitted() -> bool:
    return has_request_context() and request.method in SUBMIT_METHODS


async def submitted_data() -> MultiDict[str, Any]:
    """Return the data of the request: a form with its files, or a flat JSON object."""
    if request.is_json:
        return _merged(_entries(await request.get_json()))
    return _merged(await request.form, await request.files)


def _entries(content: Any) -> MultiDict[str, Any]:
    """Return a JSON object as the texts that a browser would have sent."""
    if not isinstance(content, dict):
        raise BadRequest("The body must be a JSON object.")
    entries: MultiDict[str, Any] = MultiDict()
    for name, value in content.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict | list):
                raise BadRequest(f"'{name}' is nested. Send a text, a number, or a list of them.")
            if each is not None:
                entries.add(name, str(each).lower() if isinstance(each, bool) else str(each))
    return entries


def _merged(*sources: MultiDict[str, Any]) -> MultiDict[str, Any]:
    merged: MultiDict[str, Any] = MultiDict()
    for source in sources:
        for key, values in source.lists():
            if _is_usable(key):
                merged.setlist(key, [*merged.getlist(key), *values])
    return merged


def _is_usable(key: str) -> bool:
    """Whether FieldList can read the key: it takes every run of digits for an index.

    ``int()`` refuses some that ``isdigit()`` accepts, and very long ones.
    """
    return all(part.isascii() and len(part) <= 9 for part in key.split("-") if part.isdigit())
