"""A large collection that is asked instead of loaded: ``lazy="dynamic"`` in async form."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from sqlalchemy import inspect
from sqlalchemy.orm import (
    InstrumentedAttribute,
    Mapper,
    WriteOnlyCollection,
    WriteOnlyMapped,
    relationship,
)

from quarterdeck.exceptions import DynamicRelationshipError

from .pagination import Pagination
from .query import Query

T = TypeVar("T", bound=Any)


class DynamicCollection(WriteOnlyCollection[T]):
    """The value of a ``DynamicMapped`` attribute: add, remove, and everything a query can.

    Nothing is loaded until a query is awaited; ``user.orders.query`` has all the methods, the
    usual ones are here too.
    """

    @property
    def query(self) -> Query[T]:
        """A query over the members of this collection."""
        session = inspect(self.instance).async_session
        return Query(self.select(), self.attr.target_mapper.class_, session, changed=True)

    def append(self, item: T) -> None:
        """The same as ``add``."""
        self.add(item)

    def filter(self, *criteria: Any) -> Query[T]:
        """Return a query over the members that meet all criteria."""
        return self.query.filter(*criteria)

    def filter_by(self, **values: Any) -> Query[T]:
        """Return a query over the members whose attributes have these values."""
        return self.query.filter_by(**values)

    def order_by(self, *columns: Any) -> Query[T]:
        """Return a query over the members in this order."""
        return self.query.order_by(*columns)

    def options(self, *options: Any) -> Query[T]:
        """Return a query with loader options, such as ``selectinload(Order.lines)``."""
        return self.query.options(*options)

    def limit(self, limit: int) -> Query[T]:
        """Return a query over at most so many members."""
        return self.query.limit(limit)

    def all(self) -> Coroutine[Any, Any, list[T]]:
        """Return all members."""
        return self.query.all()

    def first(self) -> Coroutine[Any, Any, T | None]:
        """Return the first member; None if there is none."""
        return self.query.first()

    def count(self) -> Coroutine[Any, Any, int]:
        """Return the number of members, counted by the database."""
        return self.query.count()

    def paginate(self, **options: Any) -> Coroutine[Any, Any, Pagination[T]]:
        """Return a page of the members; see ``SQLAlchemy.paginate``."""
        return self.query.paginate(**options)


if TYPE_CHECKING:

    class DynamicMapped(WriteOnlyMapped[T]):
        """Annotation of a relationship that is asked instead of loaded::

        orders: DynamicMapped[Order] = dynamic_relationship(back_populates="user")
        """

        @overload
        def __get__(self, instance: None, owner: Any) -> InstrumentedAttribute[T]: ...

        @overload
        def __get__(self, instance: object, owner: Any) -> DynamicCollection[T]: ...

        def __get__(
            self, instance: object | None, owner: Any
        ) -> InstrumentedAttribute[T] | DynamicCollection[T]: ...

        def __set__(self, instance: Any, value: Iterable[T]) -> None: ...

else:
    # SQLAlchemy looks annotations up by the name of their class, and has a 'DynamicMapped' of
    # its own that queries synchronously.
    DynamicMapped = WriteOnlyMapped


def dynamic_relationship(*arguments: Any, **options: Any) -> Any:
    """``relationship()`` for a ``DynamicMapped`` attribute; type checkers accept only this."""
    return relationship(*arguments, **options | {"lazy": "write_only"})


def install_collections(mapper: Mapper[Any], class_: type) -> None:
    """Give the write-only relationships of a model the collections of this module.

    Raises:
        DynamicRelationshipError: If a relationship is ``lazy="dynamic"`` and the extension does
            not allow it.
    """
    db = getattr(class_, "__db__", None)
    for attribute in mapper.relationships:
        if attribute.lazy == "dynamic" and not getattr(db, "allow_dynamic", False):
            raise DynamicRelationshipError(class_.__name__, attribute.key)
        if attribute.lazy == "write_only" and attribute.parent is mapper:
            getattr(class_, attribute.key).impl.query_class = DynamicCollection
