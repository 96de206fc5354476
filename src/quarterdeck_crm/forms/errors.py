"""Read the fields of a form, and show the errors of a service beside them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from wtforms import FieldList, FormField, StringField

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.errors import ValidationError

Check = Callable[[], Any]


async def is_valid(form: QuartForm, check: Check) -> bool:
    """Validate a form; if it is wrong, show the errors that its service would find as well.

    So a user reads all errors at once, and not those of the fields first and those of the
    service after correcting them. The service checks a valid form itself when it saves it.

    Args:
        form: As submitted.
        check: Called without arguments for a form that is not valid; plain or async. It raises
            a ``ValidationError`` and changes nothing.
    """
    if await form.validate_on_submit():
        return True
    await add_errors_of(check, form)
    return False


async def add_errors_of(check: Check, form: QuartForm) -> None:
    """Show the errors that a check finds beside the fields that have no error yet."""
    wrong = set(_wrong(form))
    try:
        outcome = check()
        if inspect.isawaitable(outcome):
            await outcome
    except ValidationError as error:
        found = error.errors.items()
        form.add_errors({name: texts for name, texts in found if _field_name(name) not in wrong})


@contextmanager
def errors_on(form: QuartForm) -> Iterator[None]:
    """Catch a ``ValidationError`` and show it on the form, so that the view can go on to it.

    ::

        if await is_valid(form, partial(check_user, db.session, data=form.entered())):
            with errors_on(form):
                async with db.transaction() as session:
                    await edit_user(session, ...)
                return redirect(...)
        return await page(form), 422
    """
    try:
        yield
    except ValidationError as error:
        form.add_errors(error.errors)


def entered(field: StringField) -> str:
    """Return the text of a field, empty if it was not sent."""
    return field.data or ""


def _wrong(fields: Iterable[Any]) -> Iterator[str]:
    """Yield the names of the fields that have an error, also those inside others."""
    for field in fields:
        if isinstance(field, FieldList):
            yield from _wrong(field)
            if any(isinstance(text, str) for text in field.errors):
                yield field.name
        elif isinstance(field, FormField):
            yield from _wrong(field.form)
        elif field.errors:
            yield _field_name(field.name)


def _field_name(name: str) -> str:
    """Return the name that the field of a row and the column with its id have in common."""
    return name.removesuffix("_id")
