"""Decorators of the project: one only calls the view, another one needs its result."""

from functools import wraps

from flask import Blueprint, Flask, abort, render_template_string, request

bp = Blueprint("guarded", __name__, url_prefix="/guarded")


def needs_key(view):
    @wraps(view)
    def guarded(*args, **kwargs):
        if request.args.get("key") != "k":
            abort(403)
        return view(*args, **kwargs)

    return guarded


def shouted(view):
    @wraps(view)
    def loud(*args, **kwargs):
        return view(*args, **kwargs).upper()

    return loud


@bp.route("/secret")
@needs_key
def secret():
    return render_template_string("secret")


@bp.route("/loud")
@shouted
def loud():
    return render_template_string("loud")


@bp.route("/mapped")
def mapped():
    return ",".join(map(render_template_string, ["a", "b"]))


@bp.app_errorhandler(403)
def forbidden(error):
    return render_template_string("forbidden"), 403


def create_app():
    app = Flask(__name__)
    app.register_blueprint(bp)
    return app
