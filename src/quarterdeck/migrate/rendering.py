"""How a migration is written: its steps, types and file name, and a difference in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import sqlalchemy
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import (
    DropColumnOp,
    DropConstraintOp,
    DropTableOp,
    MigrateOperation,
    MigrationScript,
    ModifyTableOps,
    OpContainer,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, MetaData
from sqlalchemy.sql.elements import conv
from sqlalchemy.types import TypeDecorator, UserDefinedType

KIT_TYPES = "quarterdeck.sqlalchemy"
FindChecks = Callable[[str, set[str]], list[str]]  # by a table and names of its columns


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


def tidy(context: MigrationContext, _revision: Any, directives: list[MigrationScript]) -> None:
    """Write nothing when nothing changed, and each drop with all that has to go with it."""
    script = directives[0]
    if all(one is None or one.is_empty() for one in (script.upgrade_ops, script.downgrade_ops)):
        directives.clear()
    if script.upgrade_ops is not None:
        _complete_drops(script.upgrade_ops, partial(_checks_in_database, context))
    if script.downgrade_ops is not None:
        metadata: MetaData = context.opts["target_metadata"]
        _complete_drops(script.downgrade_ops, partial(_checks_in_models, metadata))


def _complete_drops(container: OpContainer, checks: FindChecks) -> None:
    """Drop a table with its indexes, and the CHECK of a column before the column.

    MySQL refuses to drop an index that a foreign key of the table needs. No database drops a
    column that a CHECK names.
    """
    dropped = {step.table_name for step in container.ops if isinstance(step, DropTableOp)}
    kept: list[MigrateOperation] = []
    for step in container.ops:
        if isinstance(step, ModifyTableOps):
            if step.table_name in dropped:
                continue
            columns = [one.column_name for one in step.ops if isinstance(one, DropColumnOp)]
            names = checks(step.table_name, set(columns)) if columns else []
            step.ops[:0] = [
                DropConstraintOp(conv(name), step.table_name, type_="check") for name in names
            ]
        kept.append(step)
    container.ops = kept


def _checks_in_database(context: MigrationContext, table: str, columns: set[str]) -> list[str]:
    if context.connection is None:
        return []
    found = sqlalchemy.inspect(context.connection).get_check_constraints(table)
    return [
        one["name"]
        for one in found
        if one["name"] and columns & set(re.findall(r"\w+", str(one["sqltext"])))
    ]


def _checks_in_models(metadata: MetaData, table: str, columns: set[str]) -> list[str]:
    return [
        str(one.name)
        for one in metadata.tables[table].constraints
        if isinstance(one, CheckConstraint)
        and isinstance(one.name, str)
        and columns & {column.name for column in one.columns}
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
