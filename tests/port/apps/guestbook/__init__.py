"""A guest book in one module, in the style of Flask-SQLAlchemy 2."""

import os

from flask import Flask, jsonify, redirect, render_template_string, request, url_for
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

app = Flask(__name__)
app.config["SECRET_KEY"] = "key"
app.config["SQLALCHEMY_DATABASE_URI"] = os.getenv("GUESTBOOK_URL", "sqlite:///:memory:")
app.config["SQLALCHEMY_TRACK_MODIFICATIONS"] = False
db = SQLAlchemy(app)


class Message(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    body = db.Column(db.String(200))
    slug = db.Column(db.String(200))


@event.listens_for(Message, "before_insert")
def slugify(mapper, connection, target):
    target.slug = target.body.lower().replace(" ", "-")


@app.route("/book/", methods=["GET", "POST"])
def index():
    if request.method == "POST":
        body = request.form.get("body", "")
        db.session.add(Message(body=body))
        db.session.commit()
        return redirect(url_for("index"))
    messages = Message.query.order_by(Message.id.desc()).all()
    return render_template_string(
        "{% for m in messages %}<p>{{ m.body }} ({{ m.slug }})</p>{% endfor %}",
        messages=messages,
    )


@app.route("/book/count")
def count():
    return jsonify(count=db.session.query(Message).count(), first=Message.query.first().body)


@app.route("/book/secret")
def never_tested():
    return render_template_string("{{ n }} messages", n=Message.query.count())


@app.errorhandler(500)
def failed(error):
    return render_template_string("Sorry."), 500
