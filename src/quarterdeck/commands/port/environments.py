"""Alembic's ``env.py``, as Flask-Migrate writes it, becomes that of the kit."""

from __future__ import annotations

import ast
from pathlib import Path

import quarterdeck

# What the templates of Flask-Migrate consist of, from 1.0 to 4.1. Anything else is an option of
# the project, which a person moves to 'Migrate(app, db, ...)'.
_IMPORTS = {
    "__future__.with_statement",
    "alembic.context",
    "flask.current_app",
    "logging",
    "logging.config.fileConfig",
    "sqlalchemy.engine_from_config",
    "sqlalchemy.pool",
}
_FUNCTIONS = {
    "get_engine",
    "get_engine_url",
    "get_metadata",
    "process_revision_directives",
    "run_migrations_offline",
    "run_migrations_online",
}
_NAMES = {"config", "conf_args", "connectable", "connection", "engine", "logger"}
_NAMES |= {"script", "target_db", "target_metadata", "url"}
_OPTIONS = {
    "connection",
    "literal_binds",
    "process_revision_directives",
    "target_metadata",
    "url",
}


def is_of_flask_migrate(text: str) -> bool:
    """Whether an ``env.py`` has no options of its own."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name not in _FUNCTIONS:
                return False
            continue
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            if node.id not in _NAMES:
                return False
            continue
        elif isinstance(node, ast.Call) and _is_configure(node):
            if any(each.arg is not None and each.arg not in _OPTIONS for each in node.keywords):
                return False
            continue
        else:
            continue
        if not names <= _IMPORTS:
            return False
    return "current_app" in text


def _is_configure(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "configure"


def of_the_kit() -> str:
    """Return the ``env.py`` that ``db init`` of the kit writes."""
    folder = Path(quarterdeck.__file__).parent
    return (folder / "migrate" / "templates" / "env.py").read_text("utf-8")
