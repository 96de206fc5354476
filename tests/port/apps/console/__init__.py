"""Commands in a group, and a table that they fill."""

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
items = AppGroup("items", help="Work on items.")


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40))


@items.command("add")
@click.argument("names", nargs=-1)
def add_items(names):
    db.session.add_all(Item(name=name) for name in names)
    db.session.commit()
    click.echo(f"{Item.query.count()} items")


@click.command("clear")
@with_appcontext
def clear():
    count = Item.query.delete()
    db.session.commit()
    click.echo(f"{count} gone")


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    app.cli.add_command(items)
    app.cli.add_command(clear)

    @app.route("/console/items")
    def list_items():
        return {"items": [item.name for item in db.session.scalars(db.select(Item)).all()]}

    return app
