"""The browser session as views see it."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from quart import has_websocket_context
from quart.sessions import SessionMixin

from .codec import Envelope
from .store import Row

if TYPE_CHECKING:
    from .csrf_cookie import CSRFOnly
    from .manager import SessionManager

PERMANENT = "_permanent"
CookieAction = Literal["set", "delete"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The row that a session came from.

    Attributes:
        row: None once this session itself has written another version.
    """

    key: str
    envelope: Envelope
    row: Row | None


class MappingSession(SessionMixin):
    """A dictionary with text keys that remembers whether it was read or changed."""

    accessed = False
    modified = False

    def __init__(self, data: dict[str, Any], *, permanent: bool) -> None:
        self._data = data
        self._permanent_by_default = permanent

    def _touch(self) -> dict[str, Any]:
        self.accessed = True
        return self._data

    def __getitem__(self, key: str) -> Any:
        return self._touch()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"'session[{key!r}]' has a key that is not text. Use a str.")
        self._touch()[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self._touch()[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._touch())

    def __len__(self) -> int:
        return len(self._touch())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {sorted(self._data)}>"

    @property
    def is_empty(self) -> bool:
        """Whether there is no data to store. Reading it does not count as access."""
        return not self._data.keys() - {PERMANENT}

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser, for PERMANENT_SESSION_LIFETIME."""
        return bool(self.get(PERMANENT, self._permanent_by_default))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self[PERMANENT] = bool(value)

    @property
    def key(self) -> str | None:
        """The name of its row in the store, as in lists of sessions; None if it has no row."""
        return None

    @property
    def sid(self) -> str | None:
        """The id of the cookie; None if the cookie holds the session itself."""
        return None

    def take_extra(self) -> Any:
        """Return what ``SESSION_SQLALCHEMY_READ`` has read with the session, such as its user.

        Only once for each time that the session is read, because it grows old; else None.
        """
        return None

    @abstractmethod
    def regenerate(self) -> None:
        """Replace the id, if there is one."""

    @abstractmethod
    async def save(self) -> None:
        """Write the changes now."""

    @abstractmethod
    async def reload(self) -> None:
        """Read the store again."""


class BrowserSession(MappingSession):
    """A session whose data is on the server; the browser holds only an id.

    It belongs to one request or WebSocket. The changed keys are written at its end, on top of
    the changes that other requests have written in between.
    """

    def __init__(
        self,
        manager: SessionManager,
        *,
        permanent: bool,
        sid: str | None = None,
        loaded: Loaded | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__({} if data is None else data, permanent=permanent)
        self._manager = manager
        self.cookie_sid = sid
        self._next_sid: str | None = None
        self.loaded = loaded
        self._extra_of: Loaded | None = None  # the one whose extra was taken
        self.cleared = False
        self.wants_new_id = False
        self.cookie: CookieAction | None = None
        self.csrf_only: CSRFOnly | None = None
        self.csrf_cookie: CookieAction | None = None
        self.was_permanent = self._data.get(PERMANENT, permanent)

    @property
    def new(self) -> bool:  # type: ignore[override]  # a class attribute in Flask
        """Whether it has no row in the store yet."""
        return self.loaded is None

    @property
    def key(self) -> str | None:
        """The name of its row in the store, as in lists of sessions; None if it has no row."""
        return self.loaded.key if self.loaded else None

    @property
    def sid(self) -> str:
        """The id of the cookie, or that of the new cookie if the session is saved in this request.

        It is the credential of the visitor: use ``key`` in lists and logs.
        """
        if self.loaded is None or self.wants_new_id or self.cookie_sid is None:
            return self.next_sid()
        return self.cookie_sid

    def take_extra(self) -> Any:
        """Return what was read with the row, unless it was taken or the session has been saved."""
        loaded = self.loaded
        if loaded is None or loaded.row is None or loaded is self._extra_of:
            return None
        self._extra_of = loaded
        return loaded.row.extra

    def next_sid(self) -> str:
        """Return the id that the session will have when it gets a new one."""
        if self._next_sid is None:
            self._next_sid = secrets.token_urlsafe(self._manager.settings.id_length)
        return self._next_sid

    def take_next_sid(self) -> None:
        """Change to the new id."""
        self.cookie_sid, self._next_sid = self.next_sid(), None

    @property
    def data(self) -> dict[str, Any]:
        """All data. Reading it does not count as access."""
        return self._data

    @data.setter
    def data(self, data: dict[str, Any]) -> None:
        self._data = data

    def reset(self, loaded: Loaded | None, data: dict[str, Any]) -> None:
        """Record that session and store hold the same; ``loaded`` is None if there is no row."""
        self.loaded, self.data = loaded, data
        if loaded is None:
            self.cookie_sid = None
        self.modified = self.cleared = self.wants_new_id = False

    def start_from(self, csrf_only: CSRFOnly | None) -> None:
        """Begin with the session of the CSRF cookie, which has no row; None for no cookie."""
        if csrf_only is not None:
            self.csrf_only, self.data = csrf_only, dict(csrf_only.data)
            self.was_permanent = self.data.get(PERMANENT, self.was_permanent)

    def forget(self) -> None:
        """Drop all changes, so that nothing is saved; the CSRF token of the cookie stays."""
        self.reset(None, {})
        self.start_from(self.csrf_only)
        self.accessed = False

    def clear(self) -> None:
        """Remove all data, including keys that other requests are adding now."""
        self._touch().clear()
        self.modified = self.cleared = True

    def regenerate(self) -> None:
        """Replace the id when the session is saved; the old id is invalid from then on.

        Call it when the rights of the visitor change: at sign-in, sign-out or a new role.
        """
        self.accessed = self.modified = self.wants_new_id = True

    async def save(self) -> None:
        """Write the changes now, for WebSockets and other long work.

        In a request, the response carries the cookie if one is needed.

        Raises:
            SessionHandshakeError: In a WebSocket, if it would take a new cookie.
            SessionUnavailableError: If the store is down.
        """
        await self._manager.save(self, can_set_cookie=not has_websocket_context())

    async def reload(self) -> None:
        """Read the store again, for WebSockets. Unsaved changes are kept.

        If the session was ended, it is empty afterwards and the changes are dropped.

        Raises:
            SessionUnavailableError: If the store is down.
        """
        await self._manager.reload(self)


class RefusedSession(MappingSession):
    """Stands in for a session that is not available: the view is stateless, or the store down.

        The first use raises ``refusal``, so that the error page is shown. On error pages, of this
    error and of any other, it is an empty session, and nothing of it is kept. A page that does
    not use it goes on.
    """

    def __init__(self, refusal: Exception) -> None:
        super().__init__({}, permanent=False)
        self.refusal: Exception | None = refusal
        self.used = False

    def excuse(self) -> None:
        """Be an empty session from now on, because an error page is made."""
        self.refusal = None

    @property
    def key(self) -> str | None:
        """Raise the refusal at the first use; None afterwards."""
        self._touch()
        return None

    @property
    def sid(self) -> str | None:
        """The same."""
        return self.key

    def _touch(self) -> dict[str, Any]:
        if self.refusal is not None and not self.used:
            self.used = True
            raise self.refusal
        return super()._touch()

    def regenerate(self) -> None:
        """Use it, which raises the first time."""
        self._touch()

    async def save(self) -> None:
        """Raise why there is nothing to save; on an error page do nothing."""
        if self.refusal is not None:
            raise self.refusal

    async def reload(self) -> None:
        """Raise why there is nothing to read; on an error page do nothing."""
        if self.refusal is not None:
            raise self.refusal
