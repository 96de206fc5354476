"""The extension: chooses the store and puts the interface into the app."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from quart import session

from quarterdeck._config import read
from quarterdeck._state import ExtensionState
from quarterdeck.exceptions import ConfigurationError, SessionListingError

from .base import SessionInfo, SessionStore
from .codec import Codec
from .config import CONFIG
from .cookie import IdCookie, secure_defaults
from .interface import ServerSideSessionInterface
from .keeper import Keeper, Settings
from .marks import StatelessEndpoints
from .null import NullSessionInterface

if TYPE_CHECKING:
    from quart import Quart


@dataclass(frozen=True, slots=True)
class _State:
    """The keeper of one app; None for the signed cookie, which has no store."""

    keeper: Keeper | None

    async def aclose(self) -> None:
        if self.keeper is not None:
            await self.keeper.store.aclose()


_STATE: ExtensionState[_State] = ExtensionState("session", "Session")


class Session:
    """Browser sessions, kept where ``SESSION_TYPE`` says.

    Args:
        app: Initialised at once if given.
        store: A store of your own, in the place of ``SESSION_TYPE``.
    """

    def __init__(self, app: Quart | None = None, *, store: SessionStore | None = None) -> None:
        self._store = store
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration and replace the app's session interface; nothing connects yet.

        Raises:
            ConfigurationError: If a ``SESSION_*`` key cannot work, or a package is missing.
            ExtensionAlreadyInitializedError: If the app has a Session.
        """
        _STATE.refuse_second(app)
        config = read(app, CONFIG)
        secure_defaults(app)
        settings = _settings(config, app)
        store = self._store or _make_store(config, app)
        if store is None:
            _STATE.attach(app, _State(None))
            app.session_interface = NullSessionInterface(settings, StatelessEndpoints(app))
            return
        keeper = Keeper(store, Codec(config["SESSION_SERIALIZATION_FORMAT"]), settings)
        cookie = IdCookie(app, signed=config["SESSION_USE_SIGNER"])
        interface = ServerSideSessionInterface(keeper, cookie, StatelessEndpoints(app))
        state = _State(keeper)
        _STATE.attach(app, state)
        app.session_interface = interface  # type: ignore[assignment]  # declared too narrowly
        app.teardown_websocket(interface.save_interrupted)
        app.after_serving(state.aclose)

    async def find(self, owner: object) -> list[SessionInfo]:
        """Return the sessions of a user, the last used first.

        Args:
            owner: What ``session[SESSION_OWNER_KEY]`` holds, the user id of ``login_user``.

        Raises:
            SessionListingError: If the sessions of this app cannot be listed.
            SessionUnavailableError: If the store is down.
        """
        return await self._keeper().find(str(owner))

    async def end(self, owner: object, *, only: str | None = None, keep: str | None = None) -> int:
        """End sessions of a user, at once: requests under way cannot bring them back.

        Args:
            owner: As for ``find``.
            only: The key of the one to end; all if None.
            keep: The key of one to spare, such as the current ``session.key``.

        Returns:
            How many there were.

        Raises:
            SessionListingError: If the sessions of this app cannot be listed.
            SessionUnavailableError: If the store is down.
        """
        keeper = self._keeper()
        found = [info.key for info in await keeper.find(str(owner)) if info.key != keep]
        return sum([await keeper.end(key) for key in found if only in {None, key}])

    async def existing(self, keys: Collection[str]) -> set[str]:
        """Return which of these sessions (``session.key``) have not ended, in one question.

        For what outlives a request, such as WebSockets. Sessions in a cookie cannot be ended
        by the server: they all exist.

        Raises:
            SessionUnavailableError: If the store is down.
        """
        keeper = _STATE.get().keeper
        if keeper is None or not keys:
            return set(keys)
        return await keeper.existing(keys)

    async def check(self) -> None:
        """Ask the store for a session that there is not, for a health page.

        Raises:
            SessionUnavailableError: If it does not answer in time.
        """
        keeper = _STATE.get().keeper
        if keeper is not None:
            await keeper.open("nobody's")

    def _keeper(self) -> Keeper:
        keeper = _STATE.get().keeper
        if keeper is None:
            raise SessionListingError("null")
        return keeper


async def save_session() -> None:
    """Write the changes of the current session now; in a WebSocket before it closes.

    Raises:
        SessionHandshakeError: In a WebSocket, if it would take a new cookie.
        SessionUnavailableError: If the store is down.
    """
    await cast(Any, session).save()


def _settings(config: Mapping[str, Any], app: Quart) -> Settings:
    idle = config["SESSION_IDLE_SECONDS"]
    return Settings(
        prefix=config["SESSION_KEY_PREFIX"],
        id_length=config["SESSION_ID_LENGTH"],
        permanent=config["SESSION_PERMANENT"],
        idle=app.permanent_session_lifetime.total_seconds() if idle is None else idle,
        absolute=config["SESSION_ABSOLUTE_SECONDS"],
        renew=app.config["SESSION_REFRESH_EACH_REQUEST"],
        owner_key=config["SESSION_OWNER_KEY"],
        timeout=config["SESSION_TIMEOUT_SECONDS"],
        clean_up_every=config["SESSION_CLEANUP_N_REQUESTS"],
    )


def _make_store(config: Mapping[str, Any], app: Quart) -> SessionStore | None:
    kind = config["SESSION_TYPE"]
    if kind == "null":
        return None
    try:
        module = import_module(f".{kind}", __package__)
    except ImportError as error:
        raise ConfigurationError(
            "SESSION_TYPE",
            f"is {kind!r} and the package '{error.name}' is not installed",
            f"Install it with 'pip install quarterdeck[{EXTRAS.get(kind, kind)}]'.",
        ) from error
    return cast(SessionStore, module.make_store(config, app))


EXTRAS = {"filesystem": "session"}
