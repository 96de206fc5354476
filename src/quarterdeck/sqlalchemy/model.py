"""The base of all models, and the conventions of their tables."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, Table, event, inspect

from .collection import install_collections
from .naming import is_base, needs_table_name, table_name
from .query import Query

if TYPE_CHECKING:
    from .extension import SQLAlchemy

M = TypeVar("M", bound="ModelMixin")

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
MYSQL_TABLE = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}
_JSON_TEXT = (Decimal, UUID)


def make_metadata(
    bind_key: str | None = None, naming_convention: Any = NAMING_CONVENTION
) -> MetaData:
    """Return metadata whose constraints all have names, so that migrations can drop them."""
    return MetaData(naming_convention=naming_convention, info={"bind_key": bind_key})


class _QueryProperty:
    """A new query over all objects of the model."""

    def __get__(self, instance: object, owner: type[M]) -> Query[M]:
        return owner.__db__.query(owner)


class ModelMixin:
    """The base of ``db.Model``.

    Mix it into a ``DeclarativeBase`` to give the base a name::

        class Model(ModelMixin, DeclarativeBase): ...

        db = SQLAlchemy(model_class=Model)
    """

    __db__: ClassVar[SQLAlchemy]
    __bind_key__: ClassVar[str | None] = None
    __autonaming__: ClassVar[bool] = True
    query: ClassVar[_QueryProperty] = _QueryProperty()

    if TYPE_CHECKING:
        metadata: ClassVar[MetaData]
        __table__: ClassVar[Any]
        __tablename__: Any

    def __init_subclass__(cls, **options: Any) -> None:
        if is_base(cls):
            if "metadata" not in cls.__dict__:
                cls.metadata = make_metadata()
        elif "__bind_key__" in cls.__dict__ and not {"metadata", "__table__"} & cls.__dict__.keys():
            cls.metadata = cls.__db__.metadata_for(cls.__bind_key__)
        if needs_table_name(cls):
            cls.__tablename__ = table_name(cls.__name__)
        super().__init_subclass__(**options)
        if cls.__dict__.get("__table__", cls) is None:  # see __table_cls__
            type.__delattr__(cls, "__table__")

    @classmethod
    def __table_cls__(cls, name: str, *args: Any, **options: Any) -> Table | None:
        """Return the table of the model; None, so that it shares the table of its parent.

        A subclass with a primary key of its own has a table of its own (joined-table
        inheritance), one without shares that of its parent (single-table inheritance). A table
        of this name that exists, because it was reflected for example, is used.
        """
        schema = options.get("schema")
        if (name if schema is None else f"{schema}.{name}") in cls.metadata.tables:
            return Table(name, *args, **options)
        has_parent = any(base.__dict__.get("__table__") is not None for base in cls.__mro__[1:])
        if has_parent and not any(map(_is_primary_key, args)):
            if "__tablename__" in cls.__dict__:
                type.__delattr__(cls, "__tablename__")
            return None
        return Table(name, *args, **MYSQL_TABLE | options)

    def __repr__(self) -> str:
        state = inspect(self)
        if state.identity is None:
            return f"<{type(self).__name__} ({'pending' if state.pending else 'transient'})>"
        keys = (column.name for column in state.mapper.primary_key)
        pairs = " ".join(f"{k}={v!r}" for k, v in zip(keys, state.identity, strict=True))
        return f"<{type(self).__name__} {pairs}>"

    def to_dict(
        self, *, only: Collection[str] = (), exclude: Collection[str] = (), jsonable: bool = False
    ) -> dict[str, Any]:
        """Return the columns as a dictionary, deferred ones only if they were loaded.

        Args:
            only: The names to take instead; loaded relationships and properties may be among
                them, related models become dictionaries of their columns.
            exclude: Names to leave out.
            jsonable: Turn dates, decimals and the like into text and enums into their values.

        Raises:
            RelationshipNotLoadedError: If ``only`` names a relationship that is not loaded.
        """
        names: Iterable[str] = only or self._undeferred_columns()
        return {
            name: _plain(getattr(self, name), jsonable) for name in names if name not in exclude
        }

    def _undeferred_columns(self) -> Iterator[str]:
        for attribute in inspect(type(self)).column_attrs:
            if not attribute.deferred or attribute.key in self.__dict__:
                yield attribute.key


def _is_primary_key(part: Any) -> bool:
    """Whether a part of a table declares its primary key."""
    if isinstance(part, Column):
        return part.primary_key
    return isinstance(part, PrimaryKeyConstraint)


def _plain(value: Any, jsonable: bool) -> Any:
    if isinstance(value, ModelMixin):
        return value.to_dict(jsonable=jsonable)
    if isinstance(value, list | tuple | set):
        return [_plain(item, jsonable) for item in value]
    if not jsonable:
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, _JSON_TEXT) else value


event.listen(ModelMixin, "mapper_configured", install_collections, propagate=True)
