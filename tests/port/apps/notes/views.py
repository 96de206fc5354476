from flask import (
    Blueprint,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, ValidationError

from . import db
from .models import Note, User

bp = Blueprint("notes", __name__, url_prefix="/notes", template_folder="templates")


class NoteForm(FlaskForm):
    text = StringField(validators=[DataRequired()])

    def validate_text(self, field):
        if Note.query.filter_by(text=field.data).first():
            raise ValidationError("You have this note.")


@bp.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        user = User.named(request.form["name"])  # a comment stays
        if user is None:
            flash("Unknown name.")
        else:
            login_user(user)
            return redirect(url_for(".index"))
    return render_template("notes/login.html")


@bp.route("/logout")
def logout():
    logout_user()
    return redirect(url_for(".index"))


@bp.route("/")
def index():
    notes = Note.query.order_by(Note.id).all()
    latest = [user.latest().text for user in User.query.all() if user.latest()]
    return render_template("notes/index.html", notes=notes, latest=latest)


@bp.route("/add", methods=["GET", "POST"])
@login_required
def add():
    form = NoteForm()
    if form.validate_on_submit():
        db.session.add(Note(text=form.text.data, author=current_user._get_current_object()))
        db.session.commit()
        return redirect(url_for(".index"))
    return render_template("notes/add.html", form=form)


@bp.route("/<int:key>")
def show(key):
    return render_template("notes/show.html", note=Note.query.get_or_404(key))
