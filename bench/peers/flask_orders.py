"""The order list on Flask and Flask-SQLAlchemy."""

from __future__ import annotations

import os
import secrets
from typing import Any

from flask import Flask, Response, g, render_template, request, session
from flask_sqlalchemy import SQLAlchemy

from quarterdeck_crm import paths
from quarterdeck_crm.listing import Listing

from . import page

db = SQLAlchemy()


def create_app() -> Flask:
    app = Flask(__name__, static_folder=str(paths.STATIC), static_url_path=paths.static_path())
    app.secret_key = page.SECRET_KEY
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCH_FLASK_URL"]
    db.init_app(app)
    app.jinja_loader = page.loader()  # type: ignore[assignment]
    page.prepare(app)
    app.jinja_env.globals["csrf_token"] = lambda: page.csrf_token(session["csrf"])
    for endpoint, path in page.LINKS.items():
        view = orders if endpoint == "orders.index" else lambda **_: ""
        app.add_url_rule(path.replace("{", "<").replace("}", ">"), endpoint, view)
    app.add_url_rule("/sign-in", "sign_in", sign_in)
    app.before_request(load_user)
    app.after_request(harden)
    app.context_processor(lambda: {"current_user": g.user})
    return app


def sign_in() -> str:
    session.update(user_id=1, csrf=secrets.token_urlsafe(32))
    return ""


def load_user() -> Any:
    user_id = session.get("user_id")
    found = db.session.execute(page.user_with_unread(user_id)).one_or_none() if user_id else None
    g.user = page.with_unread(found)
    if g.user is None and request.endpoint != "sign_in":
        return "Sign in first", 401
    return None


def harden(response: Response) -> Response:
    for name, value in page.ANSWER_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def orders() -> str:
    listing = Listing.from_args(request.args, sorts=dict.fromkeys(page.SORTS), default="-date")
    found: Any = db.paginate(page.statement(), page=listing.page, per_page=listing.per_page)
    found.after = found.before = None  # it has no cursors, which the template asks for
    found.is_total_exact = True  # type: ignore[attr-defined]  # the template asks
    users = db.session.execute(page.users()).all()
    return render_template("orders/index.html", **page.values(listing, found, users))
