"""The forms of signing in and of one's own profile; the rules are in the services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from quarterdeck.babel import gettext
from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.fields import ZoneField, offered
from quarterdeck_crm.languages import LANGUAGES
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import NoticeTime
from quarterdeck_crm.validation.passwords import MAX_PASSWORD, MIN_PASSWORD

NOTICE_LABELS: dict[str, str] = {
    NoticeTime.AT_ONCE: _l("By mail at once"),
    NoticeTime.DAILY: _l("By mail once a day"),
    NoticeTime.OFF: _l("Not by mail"),
}
_NEW = {"autocomplete": "new-password", "minlength": MIN_PASSWORD, "maxlength": MAX_PASSWORD}
_PASSWORD_HELP = _l(
    "%(min_password)s characters or more. A few unrelated words are best.",
    min_password=MIN_PASSWORD,
)


class LoginForm(QuartForm):
    email = StringField(
        _l("E-mail"),
        [InputRequired(_l("Enter your e-mail address.")), Length(max=254)],
        render_kw={"type": "email", "autocomplete": "username", "inputmode": "email"},
    )
    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Enter your password.")), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    remember = BooleanField(_l("Stay signed in on this device"))


class ResetForm(QuartForm):
    email = StringField(
        _l("E-mail"),
        [InputRequired(_l("Enter your e-mail address.")), Length(max=254)],
        render_kw={"type": "email", "autocomplete": "username", "inputmode": "email"},
    )


class NewPasswordForm(QuartForm):
    """A password entered twice: for the holder of a link."""

    password = PasswordField(
        _l("New password"),
        [InputRequired(_l("Choose a password."))],
        description=_PASSWORD_HELP,
        render_kw=_NEW,
    )
    again = PasswordField(
        _l("The same password again"),
        [
            InputRequired(_l("Enter the same password again.")),
            EqualTo("password", _l("The two passwords are not the same.")),
        ],
        render_kw=_NEW,
    )


class RegisterForm(NewPasswordForm):
    name = StringField(
        _l("Name"),
        [InputRequired(_l("Enter your name.")), Length(max=120)],
        render_kw={"autocomplete": "name"},
    )
    email = StringField(
        _l("E-mail"),
        [InputRequired(_l("Enter your e-mail address.")), Length(max=254)],
        render_kw={"type": "email", "autocomplete": "username", "inputmode": "email"},
    )


class PasswordForm(NewPasswordForm):
    """Changing one's own password, which only its owner can."""

    current = PasswordField(
        _l("Current password"),
        [InputRequired(_l("Enter your current password.")), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    keep_tokens = BooleanField(
        _l("Keep my API tokens"),
        description=_l(
            "Otherwise they are revoked. Revoke them if somebody may know your password."
        ),
    )


WANTED_MAIL = {"notices", "daily_summary", "mails_notifications"}


class ProfileForm(QuartForm):
    name = StringField(
        _l("Name"),
        [InputRequired(_l("Enter your name.")), Length(max=120)],
        render_kw={"autocomplete": "name"},
    )
    phone = StringField(
        _l("Phone"), [Length(max=40)], render_kw={"autocomplete": "tel", "inputmode": "tel"}
    )
    zone = ZoneField(
        _l("Time zone"),
        empty="UTC",
        coerce=lambda name: name or None,
        description=_l("Of the dates and times of your tasks."),
    )
    notices = SelectField(
        _l("Changes of my orders by colleagues"), choices=offered(NOTICE_LABELS), coerce=NoticeTime
    )
    language = SelectField(_l("Language"), coerce=lambda code: code or None)
    daily_summary = BooleanField(_l("Mail me a summary of my open orders every day"))
    mails_notifications = BooleanField(_l("Mail me my notifications as well"))

    def offer_languages(self, offered: Sequence[str]) -> None:
        """Offer the languages of the CRM."""
        names = [(code, LANGUAGES[code]) for code in offered]
        self.language.choices = [("", gettext("As my browser")), *names]

    def wanted_mail(self) -> dict[str, Any]:
        """Return the mail that the user wants, as far as the form asks."""
        return {f.name: f.data for f in self if f.name in WANTED_MAIL}
