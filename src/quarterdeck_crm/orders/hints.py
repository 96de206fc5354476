"""Hints with which MySQL and MariaDB take the way that a statement is made for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

MYSQL = ("mysql", "mariadb")


def forced(statement: Select[Any], table: Any, index: str) -> Select[Any]:
    """Let MySQL read this index, whatever it thinks of the others."""
    for dialect in MYSQL:
        statement = statement.with_hint(table, f"FORCE INDEX ({index})", dialect)
    return statement


def straight(statement: Select[Any]) -> Select[Any]:
    """Let MySQL join the tables in the order in which they are named."""
    for dialect in MYSQL:
        statement = statement.prefix_with("STRAIGHT_JOIN", dialect=dialect)
    return statement
