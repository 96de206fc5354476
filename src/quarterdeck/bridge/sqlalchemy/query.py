"""The query of Flask-SQLAlchemy; what runs it is awaited in an ``async def``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache, partial
from typing import Any, TypeVar

from quart import abort
from sqlalchemy import orm
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from quarterdeck.bridge.colours import coloured
from quarterdeck.bridge.waiting import asynchronous

from .pages import Pagination, page_of

__all__ = ["DynamicQuery", "Query"]

T = TypeVar("T", bound=Any)


class Query(orm.Query[T]):
    """The query of a model."""

    def _get_or_404(self, ident: Any, description: str | None = None) -> T:
        """Return the object with this primary key, or answer 404."""
        found = self.get(ident)
        return abort(404, description) if found is None else found

    def _first_or_404(self, description: str | None = None) -> T:
        """Return the first result, or answer 404."""
        found = self.first()
        return abort(404, description) if found is None else found

    def _one_or_404(self, description: str | None = None) -> T:
        """Return the only result; answer 404 if there is none, or more than one."""
        try:
            return self.one()
        except (NoResultFound, MultipleResultsFound):
            abort(404, description)

    def _paginate(
        self,
        page: int | None = None,
        per_page: int | None = None,
        error_out: bool = True,
        max_per_page: int | None = None,
        count: bool = True,
    ) -> Pagination[T]:
        """Return one page of the results, by default the one that the request asks for."""
        return page_of(
            lambda limit, offset: self.limit(limit).offset(offset).all(),
            lambda: self.order_by(None).count(),
            page,
            per_page,
            error_out,
            max_per_page,
            count,
        )

    async def __aiter__(self) -> AsyncIterator[T]:
        for each in await asynchronous(partial(list, self))():
            yield each

    get_or_404 = coloured(_get_or_404, name="Query.get_or_404")
    first_or_404 = coloured(_first_or_404, name="Query.first_or_404")
    one_or_404 = coloured(_one_or_404, name="Query.one_or_404")
    paginate = coloured(_paginate, name="Query.paginate")


_RUN = ("all", "count", "delete", "first", "get", "one", "one_or_none", "scalar", "update")
for _name in _RUN:
    setattr(Query, _name, coloured(getattr(orm.Query, _name), name=f"Query.{_name}"))


@cache
def dynamic_class(query_class: Any) -> Any:
    """Return the class of a relationship with ``lazy="dynamic"`` whose queries are of a class."""
    members = {
        "query_class": query_class,
        "count": coloured(orm.AppenderQuery.count, name="Query.count"),
    }
    return type(f"Dynamic{query_class.__name__}", (orm.AppenderQuery, query_class), members)


DynamicQuery = dynamic_class(Query)
