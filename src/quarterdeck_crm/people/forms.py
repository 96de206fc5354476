"""The form of a person. The services validate the values; the form validates their text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quart import request
from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    Form,
    FormField,
    SelectField,
    StringField,
)
from wtforms.validators import DataRequired, Length, Optional

from quarterdeck_crm.forms.conflicts import values_of
from quarterdeck_crm.forms.fields import LinesField, PickField, offered
from quarterdeck_crm.forms.rows import RowsForm, tidy_rows
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.languages.words import LABEL_WORDS
from quarterdeck_crm.models import (
    ADDRESS_LABELS,
    PHONE_LABELS,
    Account,
    Contact,
    Label,
    Person,
    PersonAddress,
    PersonEmail,
    PersonPhone,
)
from quarterdeck_crm.search.autocomplete import pick
from quarterdeck_crm.validation import longest

from .parts import KINDS, MAX_ROWS, PLACES, details_of, places_of
from .services import FIELDS


def text_field(label: Any, attribute: Any) -> StringField:
    """Return the field of a text column; an empty text is None, as it is stored."""
    return StringField(label, [Length(max=longest(attribute))], filters=[lambda text: text or None])


def label_field(labels: Iterable[Label]) -> SelectField:
    choices = offered({each.value: LABEL_WORDS[each] for each in labels})
    return SelectField(_l("Use"), choices=choices, default=Label.WORK.value)


class PhoneForm(Form):
    label = label_field(PHONE_LABELS)
    number = text_field(_l("Phone"), PersonPhone.number)


class EmailForm(Form):
    label = label_field(ADDRESS_LABELS)
    email = text_field(_l("E-mail"), PersonEmail.email)


class AddressForm(Form):
    label = label_field(ADDRESS_LABELS)
    address = LinesField(
        _l("Address"),
        [Length(max=longest(PersonAddress.address))],
        filters=[lambda text: text or None],
    )
    postal_code = text_field(_l("Postal code"), PersonAddress.postal_code)
    city = text_field(_l("City"), PersonAddress.city)
    region = text_field(_l("Region"), PersonAddress.region)
    country = text_field(_l("Country"), PersonAddress.country)


class PlaceForm(Form):
    account = PickField(_l("Account"), [DataRequired(_l("Choose an account."))])
    title = text_field(_l("Position"), Contact.title)
    main = BooleanField(_l("Main contact"))


class PersonForm(RowsForm):
    ROWS = {
        PLACES: ("account", "title"),
        "phones": ("number",),
        "emails": ("email",),
        "addresses": ("address", "postal_code", "city", "region", "country"),
    }

    submission = SubmissionField()
    name = StringField(
        _l("Name"), [DataRequired(_l("Enter a name.")), Length(max=longest(Person.name))]
    )
    accounts = FieldList(FormField(PlaceForm), _l("Accounts"), max_entries=MAX_ROWS)
    phones = FieldList(FormField(PhoneForm), _l("Phone numbers"), max_entries=MAX_ROWS)
    emails = FieldList(FormField(EmailForm), _l("E-mail addresses"), max_entries=MAX_ROWS)
    addresses = FieldList(FormField(AddressForm), _l("Postal addresses"), max_entries=MAX_ROWS)
    do_not_contact = BooleanField(
        _l("Do not contact"), description=_l("Shown wherever a phone number or address is.")
    )
    consent_given_on = DateField(_l("Consent given on"), [Optional()])
    consent_how = text_field(_l("How"), Person.consent_how)
    consent_withdrawn_on = DateField(_l("Withdrawn on"), [Optional()])
    birthday = DateField(_l("Birthday"), [Optional()])

    @classmethod
    async def submitted(cls) -> PersonForm:
        """Return the form of the request, without its empty rows."""
        return cls(tidy_rows(await request.form, cls.ROWS))

    async def settle(self, session: AsyncSession) -> bool:
        """Find the accounts that the words mean; False if one is in doubt."""
        fields = [entry.form.account for entry in self.accounts]
        texts = {field.data for field in fields if field.data}
        found = await pick(session, Account, texts) if texts else {}
        for field in fields:
            if field.data:
                field.settle(found[field.data])
        return all(field.row is not None for field in fields)

    def entries(self) -> dict[str, Any]:
        """Return the entries as the services take them."""
        return values_of(self) | {PLACES: [_place(entry.form) for entry in self.accounts]}


def form_data(person: Person) -> dict[str, Any]:
    """Return the values that the form of a person shows."""
    plain = {name: getattr(person, name) for name in FIELDS}
    details = {kind.name: details_of(kind, person) for kind in KINDS}
    return plain | details | {PLACES: places_of(person), "version": person.version}


def _place(row: Any) -> dict[str, Any]:
    account_id = row.account.row.id if row.account.row is not None else None
    return {"account_id": account_id, "title": row.title.data, "is_main": row.main.data}
