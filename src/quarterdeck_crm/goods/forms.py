"""The form of a good. What a value may be is for the services; here is what people type."""

from __future__ import annotations

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError

from quarterdeck.wtf import QuartForm
from quarterdeck.wtf.file import FileAllowed, FileField, FileRequired
from quarterdeck_crm.attachments.kinds import PICTURES
from quarterdeck_crm.editing import VersionedForm
from quarterdeck_crm.extensions import db
from quarterdeck_crm.fields import ExactField, WholeField
from quarterdeck_crm.models import Good
from quarterdeck_crm.values import longest

from .services import CODE_TAKEN, is_code_free

NOT_NEGATIVE = NumberRange(min=0, message="Enter a number that is not negative.")


class GoodForm(VersionedForm):
    """The editor of a good; ``good_id`` is the one edited, None for a new one."""

    good_id: int | None = None

    name = StringField("Name", [DataRequired("Enter a name."), Length(max=longest(Good.name))])
    code = StringField(
        "Article number",
        [DataRequired("Enter an article number."), Length(max=longest(Good.code))],
        description="Different for every article.",
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

    async def validate_code(self, field: StringField) -> None:
        code = (field.data or "").strip()
        if not await is_code_free(db.session, code=code, good_id=self.good_id):
            raise ValidationError(CODE_TAKEN)


class PictureForm(QuartForm):
    file = FileField("Picture", [FileRequired("Choose a picture."), FileAllowed(PICTURES)])
