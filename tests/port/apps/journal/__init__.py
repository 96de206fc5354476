"""Listeners to the events of db sessions."""

from flask import Flask, current_app, render_template_string
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class Entry(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    text = db.Column(db.String(40))
    number = db.Column(db.Integer)


@db.event.listens_for(db.session, "before_flush")
def number_entries(session, context, instances):
    for entry in session.new:
        if isinstance(entry, Entry):
            entry.number = 100 + len(entry.text)


def create_app():
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(SQLALCHEMY_DATABASE_URI="sqlite://", PER_PAGE=5)
    db.init_app(app)

    @app.route("/journal/<text>")
    def write(text):
        entry = Entry(text=text)
        db.session.add(entry)
        db.session.flush()
        number = entry.number
        db.session.rollback()
        return render_template_string("{{ n }}/{{ m }}", n=number, m=current_app.config["PER_PAGE"])

    return app
