"""A Flask project as it was: it imports ``flask`` and extensions, and knows nothing of the kit."""

from flask import Flask, Markup, current_app, g, render_template_string, request
from flask_caching import Cache
from flask_ckeditor import CKEditor, CKEditorField
from flask_httpauth import HTTPBasicAuth
from flask_mailman import EmailMessage, Mail
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import FlaskForm
from itsdangerous import TimedJSONWebSignatureSerializer

app = Flask(__name__)
app.config.update(
    CACHE_TYPE="SimpleCache",
    MAIL_BACKEND="locmem",
    SECRET_KEY="of a project " * 3,
    SQLALCHEMY_DATABASE_URI="sqlite://",
)
auth, cache, db, mail = HTTPBasicAuth(), Cache(app), SQLAlchemy(app), Mail(app)
ckeditor = CKEditor(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(50))

    def token(self):
        signer = TimedJSONWebSignatureSerializer(current_app.config["SECRET_KEY"], 60)
        return signer.dumps({"id": self.id}).decode()


class TextForm(FlaskForm):
    text = CKEditorField("Text")


@auth.verify_password
def verify(name, password):
    g.user = User.query.filter_by(name=name).first()
    return password == "right" and g.user is not None


@app.route("/me")
@auth.login_required
def me():
    return g.user.name


@app.route("/cached")
@cache.cached(timeout=60)
def cached():
    return str(User.query.count())


@app.route("/editor")
def editor():
    return render_template_string(
        "{{ form.text() }}{{ ckeditor.config(name='text') }}", form=TextForm()
    )


@app.route("/mail")
def send():
    EmailMessage("Hello", str(Markup("<b>")), "a@example.com", ["b@example.com"]).send()
    return request.path
