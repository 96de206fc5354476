"""The form that makes a token."""

from __future__ import annotations

from wtforms import RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.fields import offered
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import ApiToken, Scope
from quarterdeck_crm.validation import longest

SCOPES = {
    f"{Scope.READ} {Scope.WRITE}": _l("Read and change what I may"),
    Scope.READ.value: _l("Only read"),
}
LIFETIMES = {
    "30": _l("30 days"),
    "90": _l("90 days"),
    "365": _l("A year"),
    "": _l("Until I revoke it"),
}


class TokenForm(QuartForm):
    submission = SubmissionField()
    name = StringField(
        _l("What it is for"),
        [DataRequired(_l("Enter a name.")), Length(max=longest(ApiToken.name))],
        description=_l("The program that will use it."),
        render_kw={"autocomplete": "off"},
    )
    scopes = RadioField(
        _l("It may"), choices=offered(SCOPES), default=f"{Scope.READ} {Scope.WRITE}"
    )
    days = SelectField(_l("It works for"), choices=offered(LIFETIMES), default="90")

    def chosen_scopes(self) -> list[Scope]:
        """Return the scopes that the choice means."""
        words = (self.scopes.data or "").split()
        return [scope for scope in Scope if scope in words]

    def chosen_days(self) -> int | None:
        """Return the lifetime that was chosen."""
        return int(self.days.data) if self.days.data and self.days.data in LIFETIMES else None
