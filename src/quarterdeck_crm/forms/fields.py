"""Form fields that several blueprints share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import DecimalField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs
from wtforms.form import BaseForm
from wtforms.validators import StopValidation, ValidationError
from wtforms.widgets import TextInput, html_params

from quarterdeck.babel import gettext as _
from quarterdeck_crm.models import Account, Good, User
from quarterdeck_crm.permissions import owner_problem
from quarterdeck_crm.search.autocomplete import MAX_CANDIDATES, label
from quarterdeck_crm.validation import plain_breaks
from quarterdeck_crm.validation.numbers import fit_integer, read_number, row_id, typed_form
from quarterdeck_crm.validation.times import ZONES


class ExactField(DecimalField):
    """An exact decimal number, shown without trailing zeros.

    A text input, because a number input submits nothing for text it cannot read.
    """

    widget = TextInput()

    def __init__(self, label: str | None = None, validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, places=None, **options)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else typed_form(Decimal(self.data))

    def __call__(self, **options: Any) -> Any:
        """Render the input; ``locale.js`` writes ``data-number`` in the reader's manner."""
        if not self.raw_data and self.data is not None:
            options["data-number"] = self._value()
        return super().__call__(**options)

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data = None
            self.data = read_number(str(valuelist[0]))

    def pre_validate(self, form: BaseForm) -> None:
        _stop_at_nonsense(self)


class MoneyField(ExactField):
    """An amount or a price, shown as such: 502.5 as 502.50, and 18 as 18."""

    def _value(self) -> str:
        text = super()._value()
        is_short = not self.raw_data and re.fullmatch(r"\d+\.\d", text)
        return f"{text}0" if is_short else text


class WholeField(IntegerField):
    """A whole number."""

    widget = TextInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data = None
            self.data = fit_integer(valuelist[0])  # a JSON form has numbers

    def pre_validate(self, form: BaseForm) -> None:
        _stop_at_nonsense(self)


class OwnerField(SelectField):
    """A user, or none; ``offer`` sets the choices."""

    _active: Sequence[tuple[int, str]] | None = None
    _problem: str | None = None  # with the chosen user

    def __init__(self, label: str | None = None, validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, coerce=_id_or_none, choices=[], **options)

    async def offer(self, session: AsyncSession, *, present: User | None = None) -> None:
        """Offer the users that can own a row, and the present owner even if disabled.

        They are read once for a form, however often it is checked and shown.
        """
        if self._active is None:
            active = select(User.id, User.name).where(User.is_active)
            found = await session.execute(active.order_by(User.name_key, User.id))
            self._active = [(id_, name) for id_, name in found]
        users = [*self._active]
        if present is not None and not present.is_active:
            users.append((present.id, present.name))
        self.choices = [("", _("No owner")), *users]
        self.users: dict[Any, str] = dict(users)
        is_offered = not self.data or self.data in self.users
        self._problem = None if is_offered else await owner_problem(session, self.data)

    def pre_validate(self, form: BaseForm) -> None:
        if self._problem is not None:  # was disabled after the form was opened
            raise ValidationError(self._problem)
        super().pre_validate(form)


class ZoneSelect:
    """The select of a :class:`ZoneField`; only the chosen option is written each time."""

    def __call__(self, field: ZoneField, **attributes: Any) -> Markup:
        """Render the select."""
        attributes.setdefault("id", field.id)
        value = f'value="{escape(field.data or "")}"'
        options = _zone_options(field.empty).replace(value, f"selected {value}", 1)
        return Markup(  # noqa: S704 - of escaped parts
            f"<select {html_params(name=field.name, **attributes)}>{options}</select>"
        )


class ZoneField(SelectField):
    """A time zone.

    Args:
        empty: The text of the empty choice, which then stands for the zone of that name.
    """

    widget = ZoneSelect()

    def __init__(
        self,
        label: str | None = None,
        validators: Any = None,
        *,
        empty: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(label, validators, choices=_zone_choices(empty), **options)
        self.empty = empty


@cache
def _zone_choices(empty: str | None) -> dict[str, str]:
    zones = {name: name for name in ZONES if name != empty}
    return zones if empty is None else {"": empty} | zones


@cache
def _zone_options(empty: str | None) -> str:
    """Return the hundreds of options, which took most of the time of a page."""
    options = (
        f'<option value="{escape(value)}">{escape(name)}</option>'
        for value, name in _zone_choices(empty).items()
    )
    return "".join(options)


def offered(labels: Mapping[str, str]) -> list[SelectChoice]:
    """Return the choices of a field by value; the labels may be lazy texts."""
    return [SelectChoice(value, label) for value, label in labels.items()]


class LinesField(TextAreaField):
    """A short text of several lines, such as a postal address."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata([plain_breaks(text) for text in valuelist])


class PickField(StringField):
    """A row out of thousands, chosen by words; ``candidates`` are offered when several fit.

    ``settle`` takes the rows that ``autocomplete.pick`` found; ``row`` is the chosen one.
    """

    candidates: Sequence[str] = ()
    row: Any = None

    def recognize(self, found: Sequence[Account] | Sequence[Good]) -> None:
        """Take the one row that the words mean, if there is no doubt."""
        if len(found) == 1:
            self.row = found[0]

    def settle(self, found: Sequence[Account] | Sequence[Good]) -> None:
        """Take the one row that the words mean, or say why there is none."""
        self.recognize(found)
        if self.row is not None:
            return
        self.candidates = [label(row) for row in found]
        if not found:
            problem = _(
                "Nothing fits '%(data)s'. Check the words or leave some out.", data=self.data
            )
        elif len(found) < MAX_CANDIDATES:
            problem = _(
                "%(found)s fit '%(data)s'. Choose one of them from the list.",
                found=len(found),
                data=self.data,
            )
        else:
            problem = _(
                "Many fit '%(data)s'. Choose one from the list or type more.", data=self.data
            )
        # Validation starts with these, so the form is validated after it is settled.
        self.process_errors = [*self.process_errors, problem]
        self.errors = [*self.errors, problem]


def _id_or_none(value: Any) -> int | None:
    if not value:
        return None
    if (id_ := row_id(str(value))) is None:
        raise ValueError(_("Choose a user."))
    return id_


def _stop_at_nonsense(field: ExactField | WholeField) -> None:
    """Skip the limits for text that is not a number. An empty field may be fine."""
    if field.process_errors and any(text.strip() for text in field.raw_data or ()):
        raise StopValidation
