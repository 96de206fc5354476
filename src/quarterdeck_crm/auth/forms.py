"""The forms of signing in and of one's own profile; the rules are in the services."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.models import NoticeTime
from quarterdeck_crm.validation.passwords import MAX_PASSWORD, MIN_PASSWORD
from quarterdeck_crm.validation.times import ZONES

NOTICE_LABELS: dict[str, str] = {
    NoticeTime.AT_ONCE: "By mail at once",
    NoticeTime.DAILY: "By mail once a day",
    NoticeTime.OFF: "Not by mail",
}
_NEW = {"autocomplete": "new-password", "minlength": MIN_PASSWORD, "maxlength": MAX_PASSWORD}
_PASSWORD_HELP = f"{MIN_PASSWORD} characters or more. A few unrelated words are best."


class LoginForm(QuartForm):
    email = StringField(
        "E-mail",
        [InputRequired("Enter your e-mail address."), Length(max=254)],
        render_kw={"type": "email", "autocomplete": "username", "inputmode": "email"},
    )
    password = PasswordField(
        "Password",
        [InputRequired("Enter your password."), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    remember = BooleanField("Stay signed in on this device")


class ResetForm(QuartForm):
    email = StringField(
        "E-mail",
        [InputRequired("Enter your e-mail address."), Length(max=254)],
        render_kw={"type": "email", "autocomplete": "username", "inputmode": "email"},
    )


class NewPasswordForm(QuartForm):
    """A password entered twice: for the holder of a link."""

    password = PasswordField(
        "New password",
        [InputRequired("Choose a password.")],
        description=_PASSWORD_HELP,
        render_kw=_NEW,
    )
    again = PasswordField(
        "The same password again",
        [
            InputRequired("Enter the same password again."),
            EqualTo("password", "The two passwords are not the same."),
        ],
        render_kw=_NEW,
    )


class RegisterForm(NewPasswordForm):
    name = StringField(
        "Name",
        [InputRequired("Enter your name."), Length(max=120)],
        render_kw={"autocomplete": "name"},
    )
    email = StringField(
        "E-mail",
        [InputRequired("Enter your e-mail address."), Length(max=254)],
        render_kw={"type": "email", "autocomplete": "username", "inputmode": "email"},
    )


class PasswordForm(NewPasswordForm):
    """Changing one's own password, which only its owner can."""

    current = PasswordField(
        "Current password",
        [InputRequired("Enter your current password."), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    keep_tokens = BooleanField(
        "Keep my API tokens",
        description="Otherwise they are revoked. Revoke them if somebody may know your password.",
    )


class ProfileForm(QuartForm):
    name = StringField(
        "Name",
        [InputRequired("Enter your name."), Length(max=120)],
        render_kw={"autocomplete": "name"},
    )
    phone = StringField(
        "Phone", [Length(max=40)], render_kw={"autocomplete": "tel", "inputmode": "tel"}
    )
    zone = SelectField(
        "Time zone",
        choices={"": "UTC"} | {name: name for name in ZONES if name != "UTC"},
        coerce=lambda name: name or "",
        description="Of the dates and times of your tasks.",
    )
    notices = SelectField(
        "Changes of my orders by colleagues", choices=NOTICE_LABELS, coerce=NoticeTime
    )
    daily_summary = BooleanField("Mail me a summary of my open orders every day")

    def wanted_mail(self) -> dict[str, Any]:
        """Return the mail that the user wants, as far as the form asks."""
        return {f.name: f.data for f in self if f.name in {"notices", "daily_summary"}}
