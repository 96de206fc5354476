"""The form of a good. The services validate the values; the form validates their text."""

from __future__ import annotations

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from quarterdeck.wtf import QuartForm
from quarterdeck.wtf.file import FileAllowed, FileField, FileRequired
from quarterdeck_crm.attachments.kinds import PICTURES
from quarterdeck_crm.forms.conflicts import VersionedForm
from quarterdeck_crm.forms.fields import MoneyField, WholeField
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Good
from quarterdeck_crm.validation import longest

NOT_NEGATIVE = NumberRange(min=0, message=_l("Enter a number that is not negative."))


class GoodForm(VersionedForm):
    submission = SubmissionField()
    name = StringField(
        _l("Name"), [DataRequired(_l("Enter a name.")), Length(max=longest(Good.name))]
    )
    code = StringField(
        _l("Code"),
        [DataRequired(_l("Enter a code.")), Length(max=longest(Good.code))],
        description=_l("Different for every good."),
    )
    category = StringField(_l("Category"), [Length(max=longest(Good.category))])
    unit = StringField(
        _l("Unit"),
        [Length(max=longest(Good.unit))],
        description=_l("How it is sold: piece, box of 12."),
    )
    price = MoneyField(_l("Price"), [InputRequired(_l("Enter a price.")), NOT_NEGATIVE])
    currency = StringField(
        _l("Currency"),
        [DataRequired(_l("Enter a currency."))],
        filters=[lambda text: text.strip().upper() if text else text],
    )
    stock = WholeField(
        _l("In stock"),
        [InputRequired(_l("Enter how many there are.")), NOT_NEGATIVE],
    )
    description = TextAreaField(_l("Description"), [Length(max=longest(Good.description))])


class PictureForm(QuartForm):
    file = FileField(_l("Picture"), [FileRequired(_l("Choose a picture.")), FileAllowed(PICTURES)])
