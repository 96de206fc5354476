"""Forms over JSON bodies and query arguments."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from quart import Response, current_app, json, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from wtforms import BooleanField, FieldList, FormField, SelectMultipleField
from wtforms.form import BaseForm

from .form import QuartForm, QuartMeta


class JSONForm(QuartForm):
    """A form over the JSON object of the body together with the query arguments.

    Names that are no fields are refused, and so are values of another shape (a list for a
    single value) and names given in both places. ``null`` means not given. An enclosed object
    is a ``FormField`` of another JSONForm, a list of objects a ``FieldList`` of it.

    It has no CSRF field: CSRFProtect checks the header of the request.
    """

    class Meta(QuartMeta):
        csrf = False

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
        """Make the form from the body and the query, whatever the method.

        Raises:
            BadRequest: If the body is not JSON.
            UnsupportedMediaType: If there is a body of another kind.
        """
        reader = _Reader(cls(None, obj, prefix, data, meta, **kwargs))
        reader.read(await _body(), request.args)
        form = cls(reader.formdata, obj, prefix, data, meta, **kwargs)
        form.form_errors.extend(reader.problems)
        return form

    def post_process(self, formdata: Any = None) -> None:
        """Keep the defaults of fields that were not given: JSON has no unticked boxes."""
        super().post_process(formdata)  # type: ignore[misc]  # stubs are of WTForms 3.2
        for field in self:
            if isinstance(field, (BooleanField, SelectMultipleField)) and not field.raw_data:
                field.data = field.object_data

    @property
    def valid_data(self) -> dict[str, Any]:
        """The data without empty values: None, "", [] and {}; False and 0 stay."""
        data: dict[str, Any] = _without_empty(self.data)
        return data


class InvalidData(BadRequest):
    """The data of a form over JSON is not valid.

    Goes through the app's error handlers, and brings an answer of its own for those that
    return it.

    Attributes:
        errors: The messages by field; those of the whole form under the empty name.
    """

    def __init__(self, form: QuartForm) -> None:
        super().__init__("The data is not valid.", response=_problem(form))
        self.errors: dict[str, Any] = {name or "": texts for name, texts in form.errors.items()}


def validate_data(
    form_class: type[QuartForm],
) -> Callable[[Callable[..., Any]], Callable[..., Awaitable[Any]]]:
    """Run the view only for valid data, with the form as its keyword argument ``form``.

    Otherwise raise ``InvalidData``: 400 with a problem document (RFC 9457) that has the messages
    under ``errors``, by field; those of the whole form under the empty name.
    """

    def decorator(view: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(view)
        async def checked(*args: Any, **kwargs: Any) -> Any:
            form = await form_class.from_request()
            if not await form.validate():
                raise InvalidData(form)
            return await current_app.ensure_async(view)(*args, form=form, **kwargs)

        return checked

    return decorator


def _problem(form: QuartForm) -> Response:
    document = {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The data is not valid.",
        "errors": form.errors,
    }
    return Response(json.dumps(document), 400, content_type="application/problem+json")


async def _body() -> Any:
    if request.is_json:
        return await request.get_json()
    if await request.get_data():
        raise UnsupportedMediaType("Send the body as 'Content-Type: application/json'.")
    return {}


class _Reader:
    """Turns JSON values into the input of form fields, and collects the values that do not fit.

    Numbers become text again, so that 1.5 for a whole number is refused and not cut.
    """

    def __init__(self, form: BaseForm) -> None:
        self.form = form
        self.formdata: MultiDict[str, str] = MultiDict()
        self.problems: list[str] = []

    def read(self, body: Any, args: MultiDict[str, str]) -> None:
        if not isinstance(body, dict):
            self.problems.append("The body must be a JSON object.")
            body = {}
        self._read_object(self.form, body, self.form._prefix, "")  # type: ignore[attr-defined]  # not in stubs
        for name, values in args.lists():
            field = self.form._fields.get(name)
            if field is None:
                self._unknown(name)
            elif name in body:
                self.problems.append(f"'{name}' is given both in the body and in the address.")
            else:
                many = isinstance(field, (FieldList, SelectMultipleField)) or len(values) > 1
                self._read(field, values if many else values[0], field.name, name)

    def _read_object(self, form: BaseForm, given: dict[str, Any], prefix: str, path: str) -> None:
        for key, value in given.items():
            field = form._fields.get(key)
            if field is None:
                self._unknown(path + key)
            elif value is not None:
                self._read(field, value, prefix + field.short_name, path + key)

    def _read(self, field: Any, value: Any, name: str, path: str) -> None:
        if isinstance(field, FormField):
            if self._fits(value, dict, path, "an object"):
                self._read_object(field.form, value, name + field.separator, f"{path}.")
        elif isinstance(field, FieldList):
            if self._fits(value, list, path, "a list"):
                self._read_list(field, value, name, path)
        elif isinstance(field, SelectMultipleField):
            if self._fits(value, list, path, "a list"):
                for index, item in enumerate(value):
                    self._read_single(item, name, f"{path}[{index}]")
        else:
            self._read_single(value, name, path)

    def _read_list(self, field: Any, values: list[Any], name: str, path: str) -> None:
        if field.max_entries and len(values) > field.max_entries:
            self.problems.append(f"'{path}' must not have more than {field.max_entries} entries.")
            return
        sample = field.entries[0] if field.entries else field.append_entry()
        for index, item in enumerate(values):
            self._read(sample, item, f"{name}{field._separator}{index}", f"{path}[{index}]")

    def _read_single(self, value: Any, name: str, path: str) -> None:
        if self._fits(value, (str, bool, int, float), path, "a single value"):
            self.formdata.add(name, value if isinstance(value, str) else json.dumps(value))

    def _fits(self, value: Any, kind: type | tuple[type, ...], path: str, expected: str) -> bool:
        if not isinstance(value, kind):
            self.problems.append(f"'{path}' must be {expected}.")
            return False
        return True

    def _unknown(self, path: str) -> None:
        self.problems.append(f"'{path}' is not a field of this form.")


def _without_empty(data: Any) -> Any:
    if isinstance(data, dict):
        kept = {name: _without_empty(value) for name, value in data.items()}
        return {name: value for name, value in kept.items() if value not in (None, "", [], {})}
    if isinstance(data, list):
        return [_without_empty(item) for item in data]
    return data
