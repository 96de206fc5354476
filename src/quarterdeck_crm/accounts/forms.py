"""The forms of accounts. The services validate the values; the forms validate their text."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import DataRequired, Length

from quarterdeck_crm.forms.conflicts import VersionedForm
from quarterdeck_crm.forms.fields import LinesField, OwnerField
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Account, Contact, Person, PersonEmail, PersonPhone
from quarterdeck_crm.validation import longest


class AccountForm(VersionedForm):
    submission = SubmissionField()
    name = StringField(
        _l("Company name"),
        [DataRequired(_l("Enter the name of the company.")), Length(max=longest(Account.name))],
    )
    code = StringField(
        _l("Code"),
        [Length(max=longest(Account.code))],
        description=_l("The code in other systems. Unique among accounts."),
    )
    owner_id = OwnerField(_l("Owner"))
    email = StringField(_l("E-mail"), [Length(max=longest(Account.email))])
    phone = StringField(_l("Phone"), [Length(max=longest(Account.phone))])
    website = StringField(_l("Website"), [Length(max=longest(Account.website))])
    address = LinesField(_l("Address"), [Length(max=longest(Account.address))])
    city = StringField(_l("City"), [Length(max=longest(Account.city))])
    region = StringField(_l("Region"), [Length(max=longest(Account.region))])
    postal_code = StringField(_l("Postal code"), [Length(max=longest(Account.postal_code))])
    country = StringField(_l("Country"), [Length(max=longest(Account.country))])


class ContactForm(VersionedForm):
    submission = SubmissionField()
    name = StringField(
        _l("Name"), [DataRequired(_l("Enter a name.")), Length(max=longest(Person.name))]
    )
    title = StringField(_l("Position"), [Length(max=longest(Contact.title))])
    email = StringField(_l("E-mail"), [Length(max=longest(PersonEmail.email))])
    phone = StringField(_l("Phone"), [Length(max=longest(PersonPhone.number))])
    fax = StringField(_l("Fax"), [Length(max=longest(PersonPhone.number))])
