"""A poll: many-to-many, validators of models, helpers that query."""

from flask import Flask, jsonify, render_template_string, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import validates

db = SQLAlchemy()

voted = db.Table(
    "voted",
    db.Column("voter_id", db.ForeignKey("voter.id"), primary_key=True),
    db.Column("choice_id", db.ForeignKey("choice.id"), primary_key=True),
)


class Voter(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40))
    choices = db.relationship("Choice", secondary=voted, backref=db.backref("voters", lazy="dynamic"))

    @validates("name")
    def validate_name(self, key, value):
        if Voter.query.filter_by(name=value).count():
            raise ValueError("taken")
        return value


class Choice(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(40))

    def has_vote_of(self, voter):
        return self.voters.filter(voted.c.voter_id == voter.id).count() > 0


def results():
    return {choice.title: choice.voters.count() for choice in Choice.query.order_by(Choice.id)}


app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
db.init_app(app)


@app.get("/poll/")
def show():
    return render_template_string("{% for t, n in r.items() %}{{ t }}={{ n }} {% endfor %}", r=results())


@app.post("/poll/")
def vote():
    data = request.get_json(silent=True) or {}
    choice = db.one_or_404(db.select(Choice).filter_by(title=data.get("title")))
    try:
        voter = Voter(name=data["name"], choices=[choice])
    except ValueError as error:
        return jsonify(error=str(error)), 409
    db.session.add(voter)
    db.session.commit()
    return jsonify(results())
