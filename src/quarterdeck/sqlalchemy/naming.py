"""The names of tables: which models need one, and how it is made."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    DeclarativeMeta,
    declared_attr,
)

_ROOTS = (DeclarativeBase, DeclarativeBaseNoMeta)
# The same as in Flask-SQLAlchemy, for databases that an app brings along.
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?!^)(?=[A-Z][a-z])")


def table_name(class_name: str) -> str:
    """Return a class name in snake case."""
    return _WORD_BEGINS.sub("_", class_name).lower().lstrip("_")


def is_base(cls: type) -> bool:
    """Whether a class is a declarative base itself."""
    return any(root in cls.__bases__ for root in _ROOTS)


def needs_table_name(cls: type) -> bool:
    """Whether the name of a table is to be made from the name of this class.

    Not for abstract models, and not if the class, a mixin or an abstract parent gives a name.
    """
    if cls.__dict__.get("__abstract__") or is_base(cls) or not is_declarative(cls):
        return False
    if "__table__" in cls.__dict__ or not getattr(cls, "__autonaming__", True):
        return False
    for base in cls.__mro__:
        if "__tablename__" in base.__dict__:
            return not _passes_name_on(base, cls)
    return True


def _passes_name_on(base: Any, cls: type) -> bool:
    """Whether the name that ``base`` gives is also that of ``cls``."""
    if base is cls or isinstance(base.__dict__["__tablename__"], declared_attr):
        return True
    return bool(base.__dict__.get("__abstract__")) or not is_declarative(base)


def is_declarative(cls: type) -> bool:
    """Whether a class is a declarative base or derives from one."""
    return issubclass(cls, _ROOTS) or isinstance(cls, DeclarativeMeta)
