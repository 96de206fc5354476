"""Session options: the arguments that every db session of an app is made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from quarterdeck.exceptions import SessionOptionError

from .query import Query
from .session import Session

_REFUSED = {
    "scopefunc": "The scope is always the request, or the app context outside of one. "
    "Use 'db.new_session()' for a db session of your own.",
    "expire_on_commit": "Objects stay readable after a commit, because async code cannot reload "
    "them on access. Call 'await session.refresh(object)' to read a row again.",
    "sync_session_class": "Derive from 'quarterdeck.sqlalchemy.Session', and pass the class as "
    "'class_'.",
}


@dataclass(frozen=True)
class SessionFactory:
    """The class of the sessions, and its arguments."""

    session_class: type[Session]
    query_class: type[Query[Any]] | None
    options: Mapping[str, Any]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Check the ``session_options`` of ``SQLAlchemy``.

        Raises:
            SessionOptionError: If one of them cannot work.
        """
        rest = dict(options)
        if rest.get("expire_on_commit") is False:
            del rest["expire_on_commit"]
        for name in _REFUSED.keys() & rest.keys():
            raise SessionOptionError(name, _REFUSED[name])
        session_class = rest.pop("class_", Session)
        if not issubclass(session_class, Session):
            raise SessionOptionError(
                "class_", "Derive the class from 'quarterdeck.sqlalchemy.Session'."
            )
        return cls(session_class, rest.pop("query_cls", None), rest)
