"""The form of a good. The services validate the values; the form validates their text."""

from __future__ import annotations

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from quarterdeck.wtf import QuartForm
from quarterdeck.wtf.file import FileAllowed, FileField, FileRequired
from quarterdeck_crm.attachments.kinds import PICTURES
from quarterdeck_crm.forms.conflicts import VersionedForm
from quarterdeck_crm.forms.fields import ExactField, WholeField
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.models import Good
from quarterdeck_crm.validation import longest

NOT_NEGATIVE = NumberRange(min=0, message="Enter a number that is not negative.")


class GoodForm(VersionedForm):
    submission = SubmissionField()
    name = StringField("Name", [DataRequired("Enter a name."), Length(max=longest(Good.name))])
    code = StringField(
        "Code",
        [DataRequired("Enter a code."), Length(max=longest(Good.code))],
        description="Different for every good.",
    )
    category = StringField("Category", [Length(max=longest(Good.category))])
    unit = StringField(
        "Unit", [Length(max=longest(Good.unit))], description="How it is sold: piece, box of 12."
    )
    price = ExactField("Price", [InputRequired("Enter a price."), NOT_NEGATIVE])
    currency = StringField(
        "Currency",
        [DataRequired("Enter a currency.")],
        filters=[lambda text: text.strip().upper() if text else text],
    )
    stock = WholeField(
        "In stock",
        [InputRequired("Enter how many there are."), NOT_NEGATIVE],
    )
    description = TextAreaField("Description", [Length(max=longest(Good.description))])


class PictureForm(QuartForm):
    file = FileField("Picture", [FileRequired("Choose a picture."), FileAllowed(PICTURES)])
