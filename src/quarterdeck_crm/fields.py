"""Form fields that several blueprints share."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import DecimalField, Field, IntegerField, SelectField, StringField
from wtforms.form import BaseForm
from wtforms.validators import StopValidation, ValidationError
from wtforms.widgets import TextInput

from .activity import plain
from .models import Account, Good, User
from .picking import MOST_CANDIDATES, label
from .values import fit_email


def email_address(form: BaseForm, field: Field) -> None:
    """Check the form of an e-mail address beside its field, by the rule of the services."""
    try:
        fit_email(field.data)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class ExactField(DecimalField):
    """An exact decimal number, shown without trailing zeros.

    A text input, because a number input gives nothing back for what it cannot read.
    """

    widget = TextInput()

    def __init__(self, label: str | None = None, validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, places=None, **options)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(plain(Decimal(self.data)))

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Enter a number, such as 12.50.") from None
        if self.data is not None and not self.data.is_finite():
            self.data = None
            raise ValueError("Enter a number, such as 12.50.")

    def pre_validate(self, form: BaseForm) -> None:
        _stop_at_nonsense(self)


class WholeField(IntegerField):
    """A whole number."""

    widget = TextInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Enter a whole number.") from None

    def pre_validate(self, form: BaseForm) -> None:
        _stop_at_nonsense(self)


class OwnerField(SelectField):
    """A person of the team, or nobody; ``offer`` sets the choices."""

    def __init__(self, label: str | None = None, validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, coerce=_id_or_none, choices=[], **options)

    async def offer(self, session: AsyncSession, *, present: User | None = None) -> None:
        """Offer the people who can own something; also the present owner if he has left."""
        statement = select(User.id, User.name).where(User.is_active).order_by(User.name, User.id)
        people = [(id_, name) for id_, name in await session.execute(statement)]
        if present is not None and not present.is_active:
            people.append((present.id, present.name))
        self.choices = [("", "Nobody"), *people]
        self.people: dict[Any, str] = dict(people)


class PickField(StringField):
    """A row out of thousands, chosen by words; ``candidates`` are offered when several fit.

    ``settle`` takes what ``picking.pick`` found; ``row`` is the one that is meant.
    """

    candidates: Sequence[str] = ()
    row: Any = None

    def settle(self, found: Sequence[Account] | Sequence[Good]) -> None:
        """Take the one row that the words mean, or say why there is none."""
        if len(found) == 1:
            self.row = found[0]
            return
        self.candidates = [label(row) for row in found]
        if not found:
            problem = f"Nothing fits '{self.data}'. Check the words or leave some out."
        elif len(found) < MOST_CANDIDATES:
            problem = f"{len(found)} fit '{self.data}'. Choose one of them from the list."
        else:
            problem = f"Many fit '{self.data}'. Choose one from the list or type more."
        self.errors = [*self.errors, problem]


def _id_or_none(value: Any) -> int | None:
    return int(value) if value else None


def _stop_at_nonsense(field: ExactField | WholeField) -> None:
    """Do not compare with limits what is not a number; that nothing was typed may be fine."""
    if field.process_errors and any(text.strip() for text in field.raw_data or ()):
        raise StopValidation
