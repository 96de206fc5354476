"""Hooks around requests, a database by hand, threads, and calls that block."""

import sqlite3
import time
from threading import Thread

from flask import Flask, Response, current_app, g, request, stream_with_context
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.config["DATABASE"] = ":memory:"
app.wsgi_app = ProxyFix(app.wsgi_app)
DONE = []


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
    return g.db


@app.before_request
def load_name():
    g.name = request.values.get("name", "stranger")


@app.after_request
def add_header(response):
    response.headers["X-Length"] = str(len(response.get_data()))
    return response


@app.teardown_appcontext
def close_db(error):
    db = g.pop("db", None)
    if db is not None:
        db.close()


@app.route("/hooks/", methods=["GET", "POST"])
def hello():
    number = get_db().execute("SELECT 40 + 2").fetchone()[0]
    return f"{g.name} {number}"


@app.route("/hooks/slow")
def slow():
    time.sleep(0.01)
    return request.environ["REQUEST_METHOD"]


@app.route("/hooks/stream")
def stream():
    def parts():
        yield "a"
        yield request.args.get("more", "b")

    return Response(stream_with_context(parts()))


def work(app):
    with app.app_context():
        DONE.append(current_app.name)


@app.route("/hooks/thread")
def thread():
    worker = Thread(target=work, args=[current_app._get_current_object()])
    worker.start()
    worker.join()
    return DONE[-1]
