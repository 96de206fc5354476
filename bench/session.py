"""What a browser session costs per request, store by store.

Run ``python -m bench session``. Measured is opening and saving alone, on one request after
the other, with servers on this machine: Flask-Session and ours on the same Redis, the
signed cookie of stock Quart, and ours in every store. Peers take turns; the figures are
microseconds (medians) and their ratio to Flask-Session.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which
from typing import Any

from quart import Quart, Response
from sqlalchemy.ext.asyncio import AsyncEngine
from tests import servers
from tests.servers import Server

from bench.side_by_side import Result, ratio
from quarterdeck.session import Session
from quarterdeck.sqlalchemy import SQLAlchemy

ROUNDS, REQUESTS = 7, 300
BASELINE = "Flask-Session, Redis"
Visit = Callable[[bool], Awaitable[float]]

logging.disable(logging.WARNING)


def quart_visit(app: Quart) -> Visit:
    """Return a function that opens, uses and saves a session, and says how long that took."""
    cookie = ""

    async def visit(change: bool) -> float:
        nonlocal cookie
        request = app.test_request_context("/", headers={"Cookie": cookie}).request
        response = Response("")
        start = time.perf_counter()
        session: Any = await app.session_interface.open_session(app, request)
        if "user" not in session:
            session["user"] = "7"
        if change:
            session["number"] = session.get("number", 0) + 1
        await app.session_interface.save_session(app, session, response)
        took = time.perf_counter() - start
        if "Set-Cookie" in response.headers:
            cookie = response.headers["Set-Cookie"].partition(";")[0]
        return took

    return visit


def flask_visit(redis_url: str) -> Visit:
    """The same in Flask, with Flask-Session on Redis."""
    import flask
    import flask_session
    import redis
    from werkzeug.test import EnvironBuilder

    app = flask.Flask(__name__)
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=redis.Redis.from_url(redis_url))
    app.config["SESSION_PERMANENT"] = False
    flask_session.Session(app)
    cookie = ""

    async def visit(change: bool) -> float:
        nonlocal cookie
        request = app.request_class(EnvironBuilder(headers=[("Cookie", cookie)]).get_environ())
        response = app.response_class("")
        start = time.perf_counter()
        session: Any = app.session_interface.open_session(app, request)
        if "user" not in session:
            session["user"] = "7"
        if change:
            session["number"] = session.get("number", 0) + 1
        app.session_interface.save_session(app, session, response)
        took = time.perf_counter() - start
        if "Set-Cookie" in response.headers:
            cookie = response.headers["Set-Cookie"].partition(";")[0]
        return took

    return visit


def stock_cookie() -> Quart:
    app = Quart("stock")
    app.secret_key = "bench"
    return app


def ours(**config: Any) -> Quart:
    app = Quart("ours")
    app.secret_key = "bench"
    app.config.update({f"SESSION_{key}": value for key, value in config.items()})
    app.config["SESSION_PERMANENT"] = False  # else the cookie is sent again and again
    Session(app)
    return app


def engine(url: str) -> AsyncEngine:
    """The engine of an app with the kit's database room."""
    app = Quart("database")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db = SQLAlchemy(app)
    return db._state.get(app).engines[None]


def make_peers(folder: Path, running: dict[str, Server]) -> dict[str, Visit]:
    """Return every way to keep a session on the servers that are there."""
    at = {name: f"127.0.0.1:{server.port}" for name, server in running.items()}
    apps = {
        "Quart's signed cookie": stock_cookie(),
        "ours, null": ours(TYPE="null"),
        "ours, filesystem": ours(TYPE="filesystem", FILE_DIR=str(folder / "files")),
        "ours, sqlalchemy (SQLite)": ours(
            TYPE="sqlalchemy", SQLALCHEMY=engine(f"sqlite:///{folder / 'bench.sqlite3'}")
        ),
    }
    if "redis" in at:
        apps["ours, redis"] = ours(TYPE="redis", REDIS=f"redis://{at['redis']}/0")
    if "memcached" in at:
        apps["ours, memcached"] = ours(TYPE="memcached", MEMCACHED=at["memcached"])
    if "mongodb" in at:
        apps["ours, mongodb"] = ours(TYPE="mongodb", MONGODB=f"mongodb://{at['mongodb']}")
    if "mariadb" in at:
        url = f"mysql+asyncmy://root@{at['mariadb']}/test"
        apps["ours, sqlalchemy (MariaDB)"] = ours(TYPE="sqlalchemy", SQLALCHEMY=engine(url))
    peers = {name: quart_visit(app) for name, app in apps.items()}
    return {BASELINE: flask_visit(f"redis://{at['redis']}/0"), **peers} if "redis" in at else peers


@contextmanager
def started(folder: Path, names: Collection[str] = ()) -> Iterator[dict[str, Server]]:
    """Start the servers that are installed; the stand-in for MongoDB would measure nothing.

    Args:
        folder: For their files.
        names: The wanted servers; all by default.
    """
    known: dict[str, tuple[str, Callable[[Path], servers.Server]]] = {
        "redis": ("redis-server", servers.redis_server),
        "memcached": ("memcached", servers.memcached),
        "mongodb": ("mongod", servers.mongodb),
        "mariadb": ("mariadbd", servers.mariadb),
    }
    with ExitStack() as stack:
        running = {}
        for name, (program, make) in known.items():
            if names and name not in names:
                continue
            if which(program) is None:
                print(f"'{program}' is not installed: left out.")
                continue
            (folder / name).mkdir()
            running[name] = make(folder / name)
            running[name].start()
            stack.callback(running[name].kill)
        yield running


async def measure(peers: dict[str, Visit], ours: str = "ours, redis") -> list[Result]:
    """Let the peers take turns and print what they need; return one of ours and Flask-Session."""
    results = []
    for change in (False, True):
        figures: dict[str, list[float]] = {name: [] for name in peers}
        for _ in range(ROUNDS):
            for name, visit in peers.items():
                times = [await visit(change) for _ in range(REQUESTS)]
                figures[name].append(statistics.median(times) * 1e6)
        what = "read and change" if change else "read"
        print(f"\n{what}")
        first = statistics.median(figures[next(iter(peers))])
        for name, values in figures.items():
            cost = statistics.median(values)
            print(f"  {name:32} {cost:7.0f} us  {cost / first:5.2f}")
        if ours in figures and BASELINE in figures:
            rounds = zip(figures[BASELINE], figures[ours], strict=True)
            by_time = ratio([theirs / own for theirs, own in rounds])
            what = f"session in Redis, {what}, µs"
            results += [
                Result(what, ours, statistics.median(figures[ours])),
                Result(what, BASELINE, first, by_time),
            ]
    return results


def compare_all() -> list[Result]:
    """Compare a session in Redis with Flask-Session."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), ["redis"]) as running:
        peers = make_peers(Path(folder), running)
        wanted = (BASELINE, "ours, redis")
        return asyncio.run(measure({name: peers[name] for name in wanted if name in peers}))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as running:
        asyncio.run(measure(make_peers(Path(folder), running)))


if __name__ == "__main__":
    main()
