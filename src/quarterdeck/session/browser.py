"""The browser session as views see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from quart import has_websocket_context
from quart.sessions import SessionMixin

from .base import Row
from .codec import Envelope

if TYPE_CHECKING:
    from .keeper import Keeper

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
            raise TypeError(f"'session[{key!r}]' has a key that is no text. Use a str.")
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
        """Whether there is nothing worth keeping; does not count as access."""
        return not self._data.keys() - {PERMANENT}

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser, for PERMANENT_SESSION_LIFETIME."""
        return bool(self.get(PERMANENT, self._permanent_by_default))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self[PERMANENT] = bool(value)


class BrowserSession(MappingSession):
    """A session whose data is on the server; the browser holds an id only.

    It belongs to one request or WebSocket. What is changed in it is written at the end:
    the changed keys alone, onto whatever other requests have written meanwhile.
    """

    def __init__(
        self,
        keeper: Keeper,
        *,
        permanent: bool,
        sid: str | None = None,
        loaded: Loaded | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__({} if data is None else data, permanent=permanent)
        self._keeper = keeper
        self.sid = sid
        self.loaded = loaded
        self.cleared = False
        self.wants_new_id = False
        self.cookie: CookieAction | None = None
        self.was_permanent = self._data.get(PERMANENT, permanent)

    @property
    def new(self) -> bool:  # type: ignore[override]  # a class attribute in Flask
        """Whether the store knows nothing of it yet."""
        return self.loaded is None

    @property
    def key(self) -> str | None:
        """The name of its row, as in lists of sessions; None for a new one."""
        return self.loaded.key if self.loaded else None

    @property
    def data(self) -> dict[str, Any]:
        """Everything in it, without counting as access."""
        return self._data

    @data.setter
    def data(self, data: dict[str, Any]) -> None:
        self._data = data

    def reset(self, loaded: Loaded | None, data: dict[str, Any]) -> None:
        """Note that session and store agree, or that there is nothing left in the store."""
        self.loaded, self.data = loaded, data
        if loaded is None:
            self.sid = None
        self.modified = self.cleared = self.wants_new_id = False

    def forget(self) -> None:
        """Be an empty session that was never touched."""
        self.reset(None, {})
        self.accessed = False

    def clear(self) -> None:
        """Drop everything, also what other requests are adding at this moment."""
        self._touch().clear()
        self.modified = self.cleared = True

    def regenerate(self) -> None:
        """Take a new id when the session is saved; the old one is then worth nothing.

        For the moment when somebody becomes somebody else: sign-in, sign-out, a new role.
        """
        self.accessed = self.modified = self.wants_new_id = True

    async def save(self) -> None:
        """Write the changes now, for WebSockets and other long work.

        In a request the cookie, if it takes one, goes out with the response.

        Raises:
            SessionHandshakeError: In a WebSocket, if it would take a new cookie.
            SessionUnavailableError: If the store is down.
        """
        await self._keeper.save(self, can_set_cookie=not has_websocket_context())

    async def reload(self) -> None:
        """Read the store again, for WebSockets; unsaved changes stay, to be saved later.

        If the session was ended meanwhile it is empty afterwards, without them.

        Raises:
            SessionUnavailableError: If the store is down.
        """
        await self._keeper.reload(self)


class RefusedSession(MappingSession):
    """Stands in for a session that cannot be had: in a stateless view, or with the store down.

    The first use raises ``refusal``, so that the error page is shown; for that page it is
    an empty session, and nothing of it is kept. A page that does not use it goes on.
    """

    def __init__(self, refusal: Exception) -> None:
        super().__init__({}, permanent=False)
        self.refusal = refusal
        self.used = False

    def _touch(self) -> dict[str, Any]:
        if not self.used:
            self.used = True
            raise self.refusal
        return super()._touch()

    def regenerate(self) -> None:
        """Use it, which raises the first time."""
        self._touch()

    async def save(self) -> None:
        """Raise why there is nothing to save."""
        raise self.refusal

    async def reload(self) -> None:
        """Raise why there is nothing to read."""
        raise self.refusal
