"""The forms of accounts. The services validate the values; the forms validate their text."""

from __future__ import annotations

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.conflicts import VersionedForm
from quarterdeck_crm.forms.fields import OwnerField
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.models import Account, Contact
from quarterdeck_crm.validation import longest


class AccountForm(VersionedForm):
    submission = SubmissionField()
    name = StringField(
        "Company name",
        [DataRequired("Enter the name of the company."), Length(max=longest(Account.name))],
    )
    code = StringField(
        "Code",
        [Length(max=longest(Account.code))],
        description="The code in other systems. Unique among accounts.",
    )
    owner_id = OwnerField("Owner")
    email = StringField("E-mail", [Length(max=longest(Account.email))])
    phone = StringField("Phone", [Length(max=longest(Account.phone))])
    website = StringField("Website", [Length(max=longest(Account.website))])
    address = StringField("Address", [Length(max=longest(Account.address))])
    city = StringField("City", [Length(max=longest(Account.city))])
    region = StringField("Region", [Length(max=longest(Account.region))])
    postal_code = StringField("Postal code", [Length(max=longest(Account.postal_code))])
    country = StringField("Country", [Length(max=longest(Account.country))])


class ContactForm(VersionedForm):
    submission = SubmissionField()
    name = StringField("Name", [DataRequired("Enter a name."), Length(max=longest(Contact.name))])
    title = StringField("Position", [Length(max=longest(Contact.title))])
    email = StringField("E-mail", [Length(max=longest(Contact.email))])
    phone = StringField("Phone", [Length(max=longest(Contact.phone))])
    fax = StringField("Fax", [Length(max=longest(Contact.fax))])


class NoteForm(QuartForm):
    submission = SubmissionField()
    body = TextAreaField("Note", [DataRequired("Write something."), Length(max=20_000)])
