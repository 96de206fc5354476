"""``db.session``: a synchronous session that belongs to the app context."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from quart import has_app_context
from sqlalchemy import event, orm
from sqlalchemy.orm import ORMExecuteState

from quarterdeck._quart import app_context
from quarterdeck.bridge.colours import coloured
from quarterdeck.bridge.waiting import wait
from quarterdeck.sqlalchemy import Session as KitSession
from quarterdeck.sqlalchemy.session import RoutedSession

from .lazy_loads import note_lazy_load

if TYPE_CHECKING:
    from .extension import SQLAlchemy

__all__ = ["ScopedSession", "Session"]


class PlainSession(RoutedSession):
    """The synchronous session; each ``db`` has a subclass of its own, for its events.

    Attributes:
        expires: Whether objects expire with a commit.
        query_class: The class of ``session.query()``.
    """

    expires: ClassVar[bool] = True
    query_class: ClassVar[Any] = orm.Query

    def __init__(self, **options: Any) -> None:
        options["expire_on_commit"] = self.expires
        super().__init__(**{"query_cls": self.query_class, **options})


@event.listens_for(PlainSession, "do_orm_execute", propagate=True)
def _will_execute(execution: ORMExecuteState) -> Any:
    return note_lazy_load(execution)


class Session(KitSession):
    """The async session around it. A test and its requests may use it in turn."""

    sync_session_class = PlainSession

    def _check_owner(self) -> None:
        """Let another task use it: the request of a test client does."""


class _Registry:
    """Where the session of the current context is: in ``g``, or with ``db`` outside of one.

    Args:
        make: Returns a new session.
        key: The name in ``g``.
    """

    def __init__(self, make: Callable[[], Session], key: str) -> None:
        self._make = make
        self._key = key
        self._of_no_context: dict[str, Any] = {}

    @property
    def _place(self) -> dict[str, Any]:
        return vars(app_context().g) if has_app_context() else self._of_no_context

    def __call__(self) -> orm.Session:
        return self.session()._sync_session

    def session(self) -> Session:
        place = self._place
        found: Session | None = place.get(self._key)
        if found is None:
            found = place[self._key] = self._make()
        return found

    def take(self) -> Session | None:
        return cast("Session | None", self._place.pop(self._key, None))

    def has(self) -> bool:
        return self._key in self._place

    def clear(self) -> None:
        self._place.pop(self._key, None)

    def set(self, session: Any) -> None:
        self._place[self._key] = session


class ScopedSession(orm.scoped_session[Any]):
    """``db.session``. What waits for the database is awaited in an ``async def``.

    As in Flask, a request of a test that has pushed an app context uses the session of the test,
    and objects expire with a commit.
    """

    def __init__(self, db: SQLAlchemy, make: Callable[[], Session], plain_class: Any) -> None:
        self.session_factory = plain_class
        self.registry: Any = _Registry(make, f"_quarterdeck_bridge_session_{id(db)}")

    def __call__(self, **options: Any) -> Any:
        return self.registry()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.registry(), name)

    async def _commit(self) -> None:
        await cast(_Registry, self.registry).session().commit()

    async def _remove(self) -> None:
        session = cast(_Registry, self.registry).take()
        if session is not None:
            await session.close()

    commit = coloured(_commit, name="session.commit")
    remove = coloured(_remove, name="session.remove")

    def close_now(self) -> None:
        """Close the session of the context, if there is one."""
        wait(self._remove())


_RUN = (
    "bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings", "close", "connection",
    "delete", "execute", "flush", "get", "get_one", "merge", "refresh", "rollback", "scalar",
    "scalars",
)  # fmt: skip
for _name in _RUN:
    setattr(
        ScopedSession,
        _name,
        coloured(getattr(orm.scoped_session, _name), name=f"session.{_name}"),
    )
