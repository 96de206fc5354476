"""Notes of users: a factory, blueprints, forms, login and commands."""

import click
from flask import Flask, render_template
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
login_manager = LoginManager()
login_manager.login_view = "notes.login"


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="key", SQLALCHEMY_DATABASE_URI="sqlite://")
    app.config.update(config or {})
    db.init_app(app)
    login_manager.init_app(app)
    from . import models, views

    app.register_blueprint(views.bp)
    app.register_error_handler(404, not_found)

    @login_manager.user_loader
    def load_user(key):
        return db.session.get(models.User, int(key))

    @app.context_processor
    def counted():
        return {"note_count": models.Note.query.count()}

    @app.cli.command("add-user")
    @click.argument("name")
    def add_user(name):
        """Add a user."""
        db.session.add(models.User(name=name))
        db.session.commit()
        click.echo(f"{models.User.query.count()} users")

    return app


def not_found(error):
    return render_template("notes/missing.html"), 404
