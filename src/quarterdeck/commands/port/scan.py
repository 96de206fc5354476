"""Search a project for what needs a person, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .environments import is_of_flask_migrate
from .findings import Finding
from .functions import own_nodes
from .imports import ROOMS, flask_name, plain_name
from .kinds import dotted
from .project import Module, Project

_THREAD = "Decorate the function with 'quarterdeck.bridge.in_thread', or use {better}."
# Functions that block the event loop, by the beginning of their names: the better way.
BLOCKING = {
    "bcrypt.checkpw": "'quarterdeck.login.check_password'",
    "bcrypt.hashpw": "'quarterdeck.login.hash_password'",
    "boto3": "'aioboto3'",
    "elasticsearch.Elasticsearch": "'elasticsearch.AsyncElasticsearch'",
    "httpx.Client": "'httpx.AsyncClient'",
    "httpx.get": "'httpx.AsyncClient'",
    "httpx.post": "'httpx.AsyncClient'",
    "os.system": "'asyncio.create_subprocess_shell'",
    "psycopg2.connect": "the database of the app",
    "pymongo.MongoClient": "'pymongo.AsyncMongoClient'",
    "pymysql.connect": "the database of the app",
    "redis.Redis": "'redis.asyncio'",
    "redis.StrictRedis": "'redis.asyncio'",
    "redis.from_url": "'redis.asyncio'",
    "requests": "'httpx.AsyncClient'",
    "smtplib": "'quarterdeck.mail'",
    "sqlite3.connect": "'quarterdeck.sqlalchemy' or 'aiosqlite'",
    "subprocess": "'asyncio.create_subprocess_exec'",
    "time.sleep": "'asyncio.sleep'",
    "urllib.request.urlopen": "'httpx.AsyncClient'",
    "werkzeug.security.check_password_hash": "'quarterdeck.login.check_password'",
    "werkzeug.security.generate_password_hash": "'quarterdeck.login.hash_password'",
}
# Packages that do not work on the event loop, and the way out.
PACKAGES = {
    "celery": "Keep the worker on Flask's side, or move the task to 'quarterdeck.apscheduler'.",
    "eventlet": "Remove it: the event loop of asyncio takes its place.",
    "flask_bcrypt": "Use 'quarterdeck.login.hash_password', which hashes in a thread.",
    "flask_pymongo": "Use 'pymongo.AsyncMongoClient'.",
    "flask_redis": "Use 'redis.asyncio'.",
    "flask_restful": "Its resources stay plain functions on the bridge; check them by hand.",
    "flask_script": "Write the commands with '@app.cli.command()'.",
    "flask_sock": "Use '@app.websocket', or 'quarterdeck.sockets'.",
    "flask_socketio": "Use '@app.websocket', or 'quarterdeck.sockets'.",
    "gevent": "Remove it: the event loop of asyncio takes its place.",
    "rq": "Keep the worker on Flask's side, or move the task to 'quarterdeck.apscheduler'.",
}
_MISSING_NAMES = {
    "flask._app_ctx_stack": "Use 'has_app_context()' and 'g'.",
    "flask._request_ctx_stack": "Use 'has_request_context()' and 'request'.",
    "flask.globals._app_ctx_stack": "Use 'has_app_context()' and 'g'.",
    "flask.globals._request_ctx_stack": "Use 'has_request_context()' and 'request'.",
    "flask.sessions.SecureCookieSessionInterface": "Use a store of 'quarterdeck.session'.",
}


def scan(project: Project) -> list[Finding]:
    """Return the places that need a person, in order."""
    found = set(project.unreadable)
    for module in project.modules.values():
        if module.is_environment:
            found |= set(_environment(module))
        elif not module.is_migration and not module.is_test:
            found |= set(_module(project, module))
    return sorted(found)


def _module(project: Project, module: Module) -> Iterator[Finding]:
    path = str(module.path)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in _imported(node):
                top = plain_name(name).partition(".")[0]
                if top in PACKAGES and not project.owns(top, module.path):
                    yield Finding(path, node.lineno, f"'{top}' blocks the loop.", PACKAGES[top])
                cure = _MISSING_NAMES.get(flask_name(name))
                if cure:
                    yield Finding(path, node.lineno, f"The kit has no '{name}'.", cure)
        elif isinstance(node, ast.Attribute) and node.attr == "environ":
            if flask_name(project.origin(module, dotted(node.value))) == "flask.request":
                cure = "It is a copy on the bridge. Use 'request.headers' or 'request.scope'."
                yield Finding(path, node.lineno, "'request.environ' belongs to WSGI.", cure)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr == "wsgi_app":
                    problem = "WSGI middleware sees requests only, not responses."
                    cure = "Use ASGI middleware, or 'PROXY_NETWORKS' in place of ProxyFix."
                    yield Finding(path, node.lineno, problem, cure)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _blocking(project, module, node)
        elif isinstance(node, ast.Call):
            name = flask_name(project.origin(module, dotted(node.func)))
            if name == "flask.stream_with_context":
                cure = "Write an async generator, or keep it: the bridge sends its parts."
                yield Finding(path, node.lineno, "The response is a stream.", cure)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif not node.level and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _blocking(
    project: Project, module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
) -> Iterator[Finding]:
    body: ast.AST = function
    if isinstance(function, ast.Lambda):
        body = ast.Module([ast.Expr(function.body)], [])
    for node in own_nodes(body):
        if not isinstance(node, ast.Call):
            continue
        name = project.origin(module, dotted(node.func))
        for beginning, better in BLOCKING.items():
            if name == beginning or name.startswith(beginning + "."):
                if beginning in ("requests", "subprocess") and not name.count("."):
                    continue
                problem = f"'{name}' blocks the event loop."
                yield Finding(str(module.path), node.lineno, problem, _THREAD.format(better=better))


def _environment(module: Module) -> Iterator[Finding]:
    if "quarterdeck" not in module.text and not is_of_flask_migrate(module.text):
        problem = "This environment of Alembic has options of its own, and plain engines."
        cure = "Write that of 'db init', and give the options to 'Migrate(app, db, ...)'."
        yield Finding(str(module.path), 1, problem, cure)


def used_packages(project: Project) -> set[str]:
    """Return the packages that the bridge replaces and the project imports."""
    return {
        top
        for module in project.modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _imported(node)
        if (top := flask_name(plain_name(name)).partition(".")[0]) in ROOMS
    }
