"""Sign-in and sign-out."""

from quart import redirect, render_template, url_for
from wtforms import BooleanField, EmailField, PasswordField, SubmitField
from wtforms.validators import DataRequired

from noticeboard.extensions import login
from noticeboard.models import User
from quarterdeck.app import Blueprint
from quarterdeck.login import login_user, logout_user, public, redirect_next, verify_password
from quarterdeck.wtf import QuartForm

bp = Blueprint("auth", __name__)


class SignInForm(QuartForm):
    email = EmailField("Mail address", validators=[DataRequired()])
    password = PasswordField("Password", validators=[DataRequired()])
    remember = BooleanField("Stay signed in")
    submit = SubmitField("Sign in")


@login.user_loader
async def load_user(user_id: str) -> User | None:
    return await User.query.get(int(user_id))


@bp.route("/sign-in", methods=["GET", "POST"])
@public
async def sign_in():
    form = await SignInForm.from_request()
    if await form.validate_on_submit():
        user = await User.query.filter_by(email=form.email.data.strip().lower()).first()
        if await verify_password(user and user.password_hash, form.password.data):
            login_user(user, remember=form.remember.data)
            return redirect_next(url_for("notices.index"))
        form.add_errors({"password": ["Wrong mail address or password."]})
    return await render_template("sign_in.html", form=form)


@bp.post("/sign-out")
async def sign_out():
    logout_user()
    return redirect(url_for(".sign_in"))
