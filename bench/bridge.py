"""What the bridge costs: the front page of a blog with 20 lazy loads, and with none.

Run ``python -m bench.bridge``. The same code runs on Flask with 8 threads, and on the bridge on
``quarterdeck serve``, in one process each, on one SQLite file. ``/`` shows ten posts with
their category and the number of their comments, which are 20 lazy loads; ``/cured`` has the two
``selectinload`` that the log of waits names.

Then 20 requests that block for 50 ms come at once, on the bridge with and without a thread.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.side_by_side import PYTHON, Peer, compare, gunicorn

PATHS = ["/", "/cured"]
URI = "BENCH_BRIDGE_URI"
POSTS, COMMENTS, BLOCKING, SECONDS = 10, 5, 20, 0.05
PAGE = """<!doctype html>
<title>Blog</title>
{% for post in posts %}
<h2>{{ post.title }}</h2>
<p>{{ post.body }}</p>
<small>{{ post.category.name }}, {{ post.comments|length }} comments</small>
{% endfor %}"""


def make_app(flask: Any, extension: Any, uri: str) -> Any:
    """Return the app, made of the modules that ``flask`` and ``flask_sqlalchemy`` stand for."""
    from sqlalchemy import Column, ForeignKey, Integer, String, Text
    from sqlalchemy.orm import relationship, selectinload

    app = flask.Flask(__name__)
    app.config.update(SQLALCHEMY_DATABASE_URI=uri, SECRET_KEY="bench")
    db: Any = extension.SQLAlchemy(app)

    class Category(db.Model):
        id = Column(Integer, primary_key=True)
        name = Column(String(20))

    class Post(db.Model):
        id = Column(Integer, primary_key=True)
        title = Column(String(50))
        body = Column(Text)
        category_id = Column(Integer, ForeignKey("category.id"))
        category = relationship("Category")
        comments = relationship("Comment")

    class Comment(db.Model):
        id = Column(Integer, primary_key=True)
        post_id = Column(Integer, ForeignKey("post.id"), index=True)
        body = Column(Text)

    @app.get("/")
    def index() -> Any:
        return flask.render_template_string(PAGE, posts=Post.query.order_by(Post.id).all())

    @app.get("/cured")
    def cured() -> Any:
        loads = selectinload(Post.category), selectinload(Post.comments)
        posts = Post.query.options(*loads).order_by(Post.id).all()
        return flask.render_template_string(PAGE, posts=posts)

    @app.get("/sleep")
    def sleep() -> str:
        time.sleep(SECONDS)
        return "done"

    def fill() -> None:
        db.create_all()
        for number in range(1, POSTS + 1):
            comments = [Comment(body="Well said.") for _ in range(COMMENTS)]
            category = Category(name=f"Category {number}")
            post = Post(title=f"Post {number}", body="Text. " * 50, category=category)
            post.comments = comments
            db.session.add(post)
        db.session.commit()

    app.fill = fill
    return app


def flask_app() -> Any:
    import flask
    import flask_sqlalchemy

    return make_app(flask, flask_sqlalchemy, os.environ[URI])


def bridge_app() -> Any:
    from quarterdeck.bridge import flask, sqlalchemy

    return make_app(flask, sqlalchemy, os.environ[URI])


async def blocked(app: Any) -> float:
    """Return the seconds that requests which block take, all sent at once."""
    client = app.test_client()
    started = time.perf_counter()
    await asyncio.gather(*[client.get("/sleep") for _ in range(BLOCKING)])
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{Path(folder) / 'blog.db'}"
        os.environ[URI] = uri  # of the servers, too
        app = flask_app()
        with app.app_context():
            app.fill()
        serve = [PYTHON, "-m", "quarterdeck", "serve", "bench.bridge:bridge_app()"]
        silent = Path(folder) / "silent.toml"
        silent.write_text("http1 = 'httptools'\n")
        serve += ["--config", str(silent), "--bind", "127.0.0.1:{port}"]
        compare(
            [
                Peer("the bridge, quarterdeck serve", serve),
                Peer("Flask, gunicorn 8 threads", gunicorn("bench.bridge:flask_app()")),
            ],
            PATHS,
        )
        made = bridge_app()
        print(f"\n{BLOCKING} requests at once that block {SECONDS * 1000:.0f} ms:")
        print(f"  on the event loop          {asyncio.run(blocked(made)):5.2f} s")
        made.config["BRIDGE_THREADED_VIEWS"] = ("sleep",)
        print(f"  in threads                 {asyncio.run(blocked(made)):5.2f} s")


if __name__ == "__main__":
    main()
