"""Pages of a statement that joins collections: each object counts once, as one item.

A join to many gives a row for each pair. A LIMIT on those rows would cut a page short, so the
keys of the page are read first, one for each object, and then their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Join,
    Label,
    Select,
    UnaryExpression,
    and_,
    func,
    inspect,
    or_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import RelationshipProperty, lazyload
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, TextClause


def entity_of(statement: Select[Any]) -> Any:
    """Return the model, or the alias of one, that is all a statement selects; or None."""
    described = statement.column_descriptions
    entity = described[0]["entity"] if len(described) == 1 else None
    return entity if entity is not None and described[0]["expr"] is entity else None


def repeats(statement: Select[Any], entity: Any) -> bool:
    """Whether the rows of a statement may hold an object more than once.

    Rows that the statement itself groups or makes distinct are taken as they are.
    """
    if statement._group_by_clauses or statement._distinct:
        return False
    tables = set(_leaves(inspect(entity).selectable))
    if not statement._from_obj:
        single = _tables_of_single_relationships(statement)
        where = statement.whereclause
        if single is not None and (where is None or {*where._from_objects} <= tables | single):
            return False
    froms = statement.get_final_froms()  # slow, so only if the ways above do not tell
    return len(froms) != 1 or not _keeps_rows(froms[0], tables)


def _tables_of_single_relationships(statement: Select[Any]) -> set[FromClause] | None:
    """Return the tables that joins along relationships to one object add; None if not all are."""
    found: set[FromClause] = set()
    for target, on, *_ in statement._setup_joins:
        relationship = getattr(target if on is None else on, "property", None)
        if not isinstance(relationship, RelationshipProperty) or relationship.uselist:
            return None
        found.update(_leaves(relationship.mapper.selectable))
    return found


def _leaves(selectable: FromClause) -> Iterator[FromClause]:
    if isinstance(selectable, Join):
        yield from _leaves(selectable.left)
        yield from _leaves(selectable.right)
    else:
        yield selectable


def _keeps_rows(joined: FromClause, tables: set[FromClause]) -> bool:
    """Whether joins begin with the tables of the entity and add at most one row to each."""
    while isinstance(joined, Join):
        if joined.full or not _finds_one(joined.right, joined.onclause):
            return False
        joined = joined.left
    return joined in tables


def _finds_one(table: FromClause, condition: ColumnElement[bool] | None) -> bool:
    """Whether a condition compares the whole primary key of a table with other columns."""
    key = {column.key for column in getattr(table, "primary_key", ())}
    given = {
        side.key
        for equation in _conjunction(condition)
        for side, other in ((equation.left, equation.right), (equation.right, equation.left))
        if table.c.contains_column(side) and not table.c.contains_column(other)
    }
    return bool(key) and key <= given


def _conjunction(condition: Any) -> Iterator[BinaryExpression[Any]]:
    if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for clause in condition.clauses:
            yield from _conjunction(clause)
    elif isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
        yield condition


def keys_of(statement: Select[Any], entity: Any) -> Select[Any]:
    """Return a statement for the keys of the objects, in any order."""
    keys = key_columns(entity)
    bare = statement.order_by(None).options(lazyload("*"))
    return bare.with_only_columns(*keys, maintain_column_froms=True)


async def fetch(
    session: AsyncSession, statement: Select[Any], entity: Any, limit: int, offset: int | None
) -> list[Any]:
    """Return objects of a page, each once, in the order in which the statement has them."""
    keys = key_columns(entity)
    order = [_extreme(clause, entity) for clause in statement._order_by_clauses]
    chosen = keys_of(statement, entity).group_by(*keys).order_by(*order, *keys)
    rows = (await session.execute(chosen.limit(limit).offset(offset))).all()
    if not rows:
        return []
    whole = statement.where(_is_one_of(keys, rows)).limit(None).offset(None)
    found = (await session.scalars(whole)).unique().all()
    places = {tuple(row): place for place, row in enumerate(rows)}
    return sorted(found, key=lambda item: places[inspect(item).identity])


def key_columns(entity: Any) -> list[Any]:
    """Return the attributes of the primary key of a model or of an alias."""
    mapper = inspect(entity).mapper
    return [
        getattr(entity, mapper.get_property_by_column(column).key) for column in mapper.primary_key
    ]


def _is_one_of(keys: Sequence[Any], rows: Sequence[Any]) -> ColumnElement[bool]:
    if len(keys) == 1:
        key: ColumnElement[Any] = keys[0]
        return key.in_([row[0] for row in rows])
    return or_(
        *(and_(*(key == value for key, value in zip(keys, row, strict=True))) for row in rows)
    )


def _extreme(clause: Any, entity: Any, *, descending: bool = False) -> Any:
    """Return what sorts an object by the first of its rows."""
    if isinstance(clause, UnaryExpression) and clause.modifier is not None:
        down = descending or clause.modifier is operators.desc_op
        inner = _extreme(clause.element, entity, descending=down)
        return UnaryExpression(inner, modifier=clause.modifier)
    if isinstance(clause, TextClause):
        return clause
    if clause.__visit_name__ == "label_reference":
        return _extreme(clause.element, entity, descending=descending)
    if clause.__visit_name__ == "textual_label_reference":
        clause = getattr(entity, clause.element)
    elif isinstance(clause, Label):
        clause = clause.element
    return (func.max if descending else func.min)(clause)
