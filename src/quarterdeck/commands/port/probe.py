"""A pytest plugin that the interpreter of the Flask project can run, from Python 3.6 on.

The command copies this file next to a trial run. It imports nothing of the kit by itself.
It writes one line of JSON for each fact: a test that ended, a function that ran, an answer of
the crawl. The environment variables that begin with QUARTERDECK_PORT_ choose the work.
SIGUSR1 makes it write where the run stands.
"""

import functools
import gc
import importlib
import inspect
import json
import os
import re
import signal
import sys
import uuid
from typing import Any

OUTPUT = os.environ.get("QUARTERDECK_PORT_OUTPUT", "")
ROOT = os.environ.get("QUARTERDECK_PORT_ROOT", "")
MODE = os.environ.get("QUARTERDECK_PORT_MODE", "tests")  # or 'broken' or 'crawl'
BRIDGED = bool(os.environ.get("QUARTERDECK_PORT_BRIDGED"))
SKIPPED = json.loads(os.environ.get("QUARTERDECK_PORT_SKIPPED", "[]"))  # tests and pages
MAX_CRAWLS = 40  # tests after which all pages are read
LAST = "log_?out|sign_?out|delete|remove|shutdown|clear|reset"  # pages that end the state
NO_END: Any = {"status": 0, "text": "the answer does not end", "location": ""}
VALUES = {"int": 1, "float": 1.0, "path": "1", "uuid": uuid.UUID(int=1)}

APPS: Any = []
RAN: Any = set()
ANSWERED: Any = set()
CRAWLS: Any = {}


def say(**fact: Any) -> None:
    """Append one fact to the output."""
    with open(OUTPUT, "a", encoding="utf-8") as file:
        file.write(json.dumps(fact) + "\n")


def the_flask() -> Any:
    """Return the module that the project uses as ``flask``."""
    return importlib.import_module("quarterdeck.bridge.flask" if BRIDGED else "flask")


def versions() -> Any:
    """Return the first two numbers of each version; old ones name it in the module."""
    found = {}
    for name in ("werkzeug", "sqlalchemy"):
        try:
            text = importlib.import_module(name).__version__
        except (ImportError, AttributeError):
            try:
                from importlib.metadata import version

                text = version(name)
            except ImportError:  # it is not installed, or Python is older than 3.8
                continue
        found[name] = [int(part) for part in text.split(".")[:2]]
    return found


def remember_apps() -> None:
    """Keep each app that is made."""
    Flask: Any = the_flask().Flask
    make = Flask.__init__

    @functools.wraps(make)
    def init(self: Any, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        APPS.append(self)

    Flask.__init__ = init


def make_hashes_cheap() -> None:
    """Hash passwords in few rounds: tests make many, and most of a run would be hashing."""
    security: Any = importlib.import_module("werkzeug.security")
    generate = security.generate_password_hash

    @functools.wraps(generate)
    def generate_password_hash(
        password: Any, method: Any = "pbkdf2:sha256:1000", *args: Any, **options: Any
    ) -> Any:
        return generate(password, method, *args, **options)

    security.generate_password_hash = generate_password_hash


def say_where_it_stands(*_signal: Any) -> None:
    """Write the innermost line of the project that a thread or a greenlet has come to."""
    frames: Any = list(sys._current_frames().values())
    frames += [each.gr_frame for each in gc.get_objects() if hasattr(type(each), "gr_frame")]
    places = []
    for start in frames:
        frame, depth = start, 0
        while frame is not None:
            name = os.path.realpath(frame.f_code.co_filename)
            if name.startswith(os.path.realpath(ROOT) + os.sep):
                path = os.path.relpath(name, os.path.realpath(ROOT))
                places.append((is_test(path), depth, path, frame.f_lineno, frame.f_code.co_name))
                break
            frame, depth = frame.f_back, depth + 1
    if places:
        say(stands=min(places)[2:])


def is_test(path: str) -> bool:
    """Whether a file belongs to the tests."""
    return "test" in path


def break_views() -> None:
    """Let every view answer 500, to see which tests notice."""
    flask: Any = the_flask()
    if not BRIDGED:
        flask.Flask.dispatch_request = lambda self, *args, **options: ("broken", 500)
        return

    async def broken_view(self: Any, *args: Any, **options: Any) -> Any:
        return "broken", 500

    flask.Flask.dispatch_request = broken_view


def ran(path: Any, name: Any) -> None:
    """Remember that a function of the project runs; the command has put the call into the copy."""
    if (path, name) not in RAN:
        RAN.add((path, name))
        say(ran=[path, name])


def prepare() -> None:
    """Put the probe into Flask, before the project is imported."""
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, say_where_it_stands)
    remember_apps()
    make_hashes_cheap()
    say(versions=versions())


def pytest_configure(config: Any) -> None:
    if not OUTPUT:
        return
    prepare()
    if MODE == "broken":
        break_views()


def pytest_collection_modifyitems(config: Any, items: Any) -> None:
    """Leave out the tests that did not end in an earlier run."""
    items[:] = [item for item in items if item.nodeid not in SKIPPED]


def pytest_runtest_logstart(nodeid: Any, location: Any) -> None:
    if OUTPUT:
        say(began=nodeid)


def pytest_unconfigure(config: Any) -> None:
    if OUTPUT:
        say(finished=True)


def pytest_collection_finish(session: Any) -> None:
    if OUTPUT:
        say(collected=len(session.items))


def pytest_collectreport(report: Any) -> None:
    if OUTPUT and report.failed:
        say(
            test=report.nodeid or "collection",
            outcome="error",
            message=str(report.longrepr)[-2000:],
        )


def pytest_runtest_logreport(report: Any) -> None:
    if not OUTPUT:
        return
    if report.when == "call" or report.outcome != "passed":
        outcome = (
            report.outcome if report.when == "call" or report.outcome == "skipped" else "error"
        )
        message = "" if report.outcome == "passed" else str(report.longrepr)[-4000:]
        say(test=report.nodeid, outcome=outcome, message=message, when=report.when)


def pytest_runtest_call(item: Any) -> None:
    """Crawl at the end of a test, while its data is there."""
    if MODE != "crawl" or not OUTPUT or not hasattr(item, "obj"):
        return
    case = getattr(item, "_testcase", None) or getattr(item, "instance", None)
    test = item.obj
    arguments = dict(getattr(item, "funcargs", None) or {})

    @functools.wraps(test)
    def tested(*args: Any, **options: Any) -> Any:
        try:
            return finished(test(*args, **options))
        finally:
            crawl(item, case if case is not None else getattr(test, "__self__", None), arguments)

    # What 'wraps' copied from an async function would make pytest await a plain one.
    if inspect.iscoroutinefunction(test):
        tested.__dict__.pop("__wrapped__", None)
    item.obj = tested


def finished(result: Any) -> Any:
    """Return the result of a test, which is async after the move."""
    if not BRIDGED or not hasattr(result, "__await__"):
        return result
    return importlib.import_module("quarterdeck.bridge").wait(result)


def crawl(item: Any, case: Any, arguments: Any) -> None:
    """Read all pages as a stranger, and as the client of the test."""
    file = item.nodeid.partition("::")[0]
    CRAWLS[file] = CRAWLS.get(file, 0) + 1
    if CRAWLS[file] > MAX_CRAWLS:
        return
    here = getattr(case, "app", None) or arguments.get("app")
    own = getattr(case, "client", None) or arguments.get("client")
    app = here if here in APPS else getattr(own, "application", None)
    if app is None:
        app = APPS[-1] if APPS else None
    if app is None:
        return
    for who, client in (("stranger", None), ("client", own)):
        if who == "client" and not hasattr(own, "get"):
            continue
        for url, rule in pages(app):
            key = (file, app.import_name, who, rule)
            if key in ANSWERED:
                continue
            if f"{who} {rule}" in SKIPPED:
                say(page=[item.nodeid, who, url], rule=rule, **NO_END)
                continue
            say(began=f"{who} {rule}")
            answer = read(client or app.test_client(), url)
            say(began=item.nodeid)
            if answer["status"] == 200:
                ANSWERED.add(key)
            say(page=[item.nodeid, who, url], rule=rule, **answer)


def read(client: Any, url: str) -> Any:
    """Return the status and the text of an answer, or the name of the error."""
    flask = the_flask()
    if flask.has_app_context():
        # Flask shares 'g' between a test and its requests, and so the user of the last request.
        flask.g.pop("_login_user", None)
    try:
        response = client.get(url)
        status, text = response.status_code, response.get_data(as_text=True)
        where = response.headers.get("Location", "")
        if 300 <= status < 400:
            forget_messages(client)
        return {"status": status, "text": text, "location": re.sub(r"^https?://[^/]*", "", where)}
    except Exception as error:  # an answer like any other: it must be the same after the move
        return {"status": 0, "text": type(error).__name__, "location": ""}


def forget_messages(client: Any) -> None:
    """Drop the messages of a redirect: of equal ones the kit keeps one, Flask-Login all."""
    try:
        with client.session_transaction() as session:
            session.pop("_flashes", None)
    except Exception as error:  # no secret key: no messages
        say(kept=type(error).__name__)


def pages(app: Any) -> Any:
    """Return the address of each GET rule, with examples for its arguments."""
    found = []
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.endswith("static"):
            continue
        converters = getattr(rule, "_converters", {})
        values = {}
        for name in set(rule.arguments) - set(rule.defaults or ()):
            converter = converters.get(name)
            kind = type(converter).__name__.lower()
            kind = kind.replace("converter", "").replace("integer", "int")
            values[name] = VALUES.get(kind, "1")
            items = getattr(converter, "items", None)  # of 'any'
            if items:
                values[name] = min(items)
        try:
            found.append((adapter.build(rule.endpoint, values, force_external=False), rule.rule))
        except Exception as error:  # the report names the page
            say(skipped=rule.rule, reason=type(error).__name__)
    return sorted(set(found), key=lambda page: (bool(re.search(LAST, page[0])), page))


def main() -> None:
    """Crawl an app that has no tests: arguments are its module and its name."""
    sys.path.insert(0, os.getcwd())
    prepare()
    found = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])
    app = found if hasattr(found, "url_map") else found()

    class Item:
        nodeid = "crawl"

    database = app.config.get("SQLALCHEMY_DATABASE_URI") or ""
    if database and not is_own_sqlite(database):
        say(refused="the database of the app is not an SQLite file inside the project")
        return
    for extension in set(map(id, extensions(app))):
        create = next(e for e in extensions(app) if id(e) == extension)
        with app.app_context():
            create.create_all()
    app.testing = True
    crawl(Item, None, {"app": app})


def extensions(app: Any) -> Any:
    found = app.extensions.get("sqlalchemy")
    found = getattr(found, "db", found)
    return [found] if hasattr(found, "create_all") else []


def is_own_sqlite(database: str) -> bool:
    match = re.match(r"sqlite(\+\w+)?://(/(.*))?$", database)
    if match is None:
        return False
    path = match.group(3) or ""
    if path in ("", ":memory:") or not path.startswith("/"):
        return True
    return os.path.realpath(path).startswith(os.path.realpath(ROOT) + os.sep)


if __name__ == "__main__":
    # Under its own name, so that the marks in the project find the same module.
    __import__("quarterdeck_port_probe").main()
