"""Filters and globals of templates that query, converters, and a nested blueprint."""

from flask import Blueprint, Flask, g, render_template_string, url_for
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
outer = Blueprint("outer", __name__, url_prefix="/pages")
inner = Blueprint("inner", __name__, url_prefix="/<lang>")


class Page(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(40))


@inner.url_value_preprocessor
def take_lang(endpoint, values):
    g.lang = values.pop("lang", "en")


@inner.url_defaults
def add_lang(endpoint, values):
    values.setdefault("lang", getattr(g, "lang", "en"))


@inner.route("/<float:size>/<path:rest>")
def sized(size, rest):
    template = "{{ size }} {{ rest|counted }} {{ titles() }} {{ url_for('outer.inner.home') }}"
    return render_template_string(template, size=size, rest=rest)


@inner.route("/")
def home():
    first = Page.query.first()
    return render_template_string("{{ g.lang }} {{ t }} {{ u }}", t=first.title, u=url_for(".home"))


outer.register_blueprint(inner)


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    app.register_blueprint(outer)

    @app.template_filter()
    def counted(text):
        return f"{text}:{Page.query.filter_by(title=text).count()}"

    @app.template_global()
    def titles():
        return ",".join(page.title for page in Page.query.all())

    return app
