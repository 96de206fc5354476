"""The form of a user; the rules are in the services."""

from __future__ import annotations

from decimal import Decimal

from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.errors import entered
from quarterdeck_crm.forms.fields import ExactField, offered
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Role, UserKind

from .checks import UserData
from .phones import PHONE_HELP

KIND_LABELS: dict[str, str] = {
    UserKind.STANDARD: _l("Standard"),
    UserKind.MANAGER: _l("Manager"),
    UserKind.SENIOR_MANAGER: _l("Senior manager"),
    UserKind.MANUFACTURER: _l("Manufacturer"),
}
ROLE_LABELS: dict[str, str] = {
    Role.USER: _l("User: edits their own accounts and orders"),
    Role.MODERATOR: _l("Moderator: edits all accounts, goods and orders"),
    Role.ADMIN: _l("Admin: also manages the team"),
}
_LARGEST = 10**12 - 1  # what the column holds before the point


class UserForm(QuartForm):
    submission = SubmissionField()
    name = StringField(
        _l("Name"),
        [InputRequired(_l("Enter a name.")), Length(max=120)],
        render_kw={"autocomplete": "off"},
    )
    email = StringField(
        _l("E-mail"),
        [InputRequired(_l("Enter an e-mail address.")), Length(max=254)],
        description=_l("Used to sign in."),
        render_kw={"type": "email", "autocomplete": "off", "inputmode": "email"},
    )
    role = SelectField(_l("Role"), choices=offered(ROLE_LABELS), coerce=Role)
    kind = SelectField(_l("Kind"), choices=offered(KIND_LABELS), coerce=UserKind)
    department = StringField(_l("Department"), [Length(max=80)])
    phone = StringField(
        _l("Phone"),
        [Length(max=40)],
        description=PHONE_HELP,
        render_kw={"autocomplete": "off", "inputmode": "tel"},
    )
    balance = ExactField(
        _l("Balance"),
        [InputRequired(_l("Enter an amount, or 0.")), NumberRange(-_LARGEST, _LARGEST)],
        default=Decimal(0),
        render_kw={"inputmode": "decimal"},
    )

    def entered(self) -> UserData:
        """Return the entries."""
        return UserData(
            email=entered(self.email),
            name=entered(self.name),
            role=self.role.data,
            kind=self.kind.data,
            department=self.department.data,
            phone=self.phone.data,
            balance=self.balance.data or Decimal(0),
        )
