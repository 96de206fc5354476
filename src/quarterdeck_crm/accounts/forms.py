"""The forms of accounts. What a value may be is for the services; here is what people type."""

from __future__ import annotations

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.editing import VersionedForm
from quarterdeck_crm.fields import OwnerField, email_address
from quarterdeck_crm.models import Account, Contact
from quarterdeck_crm.values import longest


class AccountForm(VersionedForm):
    name = StringField(
        "Company name",
        [DataRequired("Enter the name of the company."), Length(max=longest(Account.name))],
    )
    code = StringField(
        "Code",
        [Length(max=longest(Account.code))],
        description="What other systems call it. Different for every account.",
    )
    owner_id = OwnerField("Owner")
    email = StringField("E-mail", [Optional(), email_address, Length(max=longest(Account.email))])
    phone = StringField("Phone", [Length(max=longest(Account.phone))])
    website = StringField("Website", [Length(max=longest(Account.website))])
    address = StringField("Address", [Length(max=longest(Account.address))])
    city = StringField("City", [Length(max=longest(Account.city))])
    region = StringField("Region", [Length(max=longest(Account.region))])
    postal_code = StringField("Postal code", [Length(max=longest(Account.postal_code))])
    country = StringField("Country", [Length(max=longest(Account.country))])


class ContactForm(VersionedForm):
    name = StringField("Name", [DataRequired("Enter a name."), Length(max=longest(Contact.name))])
    title = StringField("Position", [Length(max=longest(Contact.title))])
    email = StringField("E-mail", [Optional(), email_address, Length(max=longest(Contact.email))])
    phone = StringField("Phone", [Length(max=longest(Contact.phone))])
    fax = StringField("Fax", [Length(max=longest(Contact.fax))])


class NoteForm(QuartForm):
    body = TextAreaField("Note", [DataRequired("Write something."), Length(max=20_000)])
