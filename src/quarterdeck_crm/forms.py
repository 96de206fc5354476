"""What every form view shares: reading fields, and showing beside them what a service refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wtforms import StringField

from quarterdeck.wtf import QuartForm

from .errors import ValidationError


@contextmanager
def errors_on(form: QuartForm) -> Iterator[None]:
    """Catch a ``ValidationError`` and show it on the form, so that the view can go on to it.

    ::

        if await form.validate_on_submit():
            with errors_on(form):
                async with db.transaction() as session:
                    await edit_person(session, ...)
                return redirect(...)
        return await page(form), 422
    """
    try:
        yield
    except ValidationError as error:
        form.add_errors(error.errors)


def entered(field: StringField) -> str:
    """Return what was typed into a field, empty text if it was not sent."""
    return field.data or ""
