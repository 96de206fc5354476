"""How a migration is written: its steps, types and file name, and a difference in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import sqlalchemy
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import DropTableOp, MigrationScript, ModifyTableOps
from sqlalchemy.types import TypeDecorator, UserDefinedType

KIT_TYPES = "quarterdeck.sqlalchemy"


def render_type(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write a type that is not SQLAlchemy's own by its name, and import it."""
    if kind != "type" or not isinstance(item, TypeDecorator | UserDefinedType):
        return False
    cls = type(item)
    if cls.__module__.startswith("sqlalchemy."):
        return False
    module = KIT_TYPES if cls.__module__.startswith(f"{KIT_TYPES}.") else cls.__module__
    context.imports.add(f"from {module} import {cls.__name__}")
    return repr(item)


def tidy(_context: Any, _revision: Any, directives: list[MigrationScript]) -> None:
    """Write nothing when nothing changed, and drop a table together with its indexes.

    MySQL refuses to drop an index that a foreign key of the table needs.
    """
    operations = [directives[0].upgrade_ops, directives[0].downgrade_ops]
    if all(one is None or one.is_empty() for one in operations):
        directives.clear()
    for one in filter(None, operations):
        dropped = {step.table_name for step in one.ops if isinstance(step, DropTableOp)}
        one.ops = [
            step
            for step in one.ops
            if not (isinstance(step, ModifyTableOps) and step.table_name in dropped)
        ]


def file_name(folder: Path, message: str) -> str:
    """Return a name like ``2026-11-21_add_orders`` that no file in ``folder`` has yet."""
    slug = "_".join(re.findall(r"\w+", message.lower()))[:60].rstrip("_")
    name = f"{datetime.now(UTC):%Y-%m-%d}_{slug}"
    taken = {path.stem for path in folder.glob("*.py")}
    number = 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def describe(difference: Any) -> str:
    """Say in words what Alembic found different, for example ``add column 'order.net'``."""
    if isinstance(difference, list):  # several changes of one column
        return "; ".join(describe(one) for one in difference)
    verb, *rest = difference
    words = verb.replace("_", " ")
    if verb.startswith("modify_"):
        _schema, table, column, _existing, old, new = rest
        return f"{words} of '{table}.{column}' from {old!r} to {new!r}"
    subject = rest[-1]
    if isinstance(subject, sqlalchemy.Column):
        return f"{words} '{rest[-2]}.{subject.name}'"
    table = getattr(subject, "table", None)
    where = f" on '{table.name}'" if table is not None else ""
    return f"{words} '{getattr(subject, 'name', subject)}'{where}"
