"""The extension: chooses the store and puts the interface into the app."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from quart import session

from quarterdeck.config import read
from quarterdeck.exceptions import ConfigurationError, SessionListingError

from .codec import Codec
from .config import CONFIG, STATE, SessionState
from .cookie import IdCookie, secure_defaults
from .csrf_cookie import CSRFCookie
from .error_pages import excuse_error_pages
from .interface import ServerSideSessionInterface
from .manager import SessionManager
from .null import NullSessionInterface
from .settings import Settings
from .stateless import StatelessEndpoints
from .store import SessionInfo, SessionStore

if TYPE_CHECKING:
    from quart import Quart


class Session:
    """Browser sessions, in the store that ``SESSION_TYPE`` names.

    Args:
        app: Initialised at once if given.
        store: A store of your own, instead of that of ``SESSION_TYPE``.
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
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        secure_defaults(app)
        settings = _settings(config, app)
        store = self._store or _make_store(config, app)
        excuse_error_pages(app)
        if store is None:
            STATE.attach(app, SessionState(None))
            app.session_interface = NullSessionInterface(settings, StatelessEndpoints(app))
            return
        codec = Codec(config["SESSION_SERIALIZATION_FORMAT"])
        csrf_cookie = CSRFCookie(app, settings.anonymous_idle)
        manager = SessionManager(store, codec, settings, csrf_cookie)
        cookie = IdCookie(app, signed=config["SESSION_USE_SIGNER"])
        interface = ServerSideSessionInterface(manager, cookie, StatelessEndpoints(app))
        state = SessionState(manager)
        STATE.attach(app, state)
        app.session_interface = interface  # type: ignore[assignment]  # declared too narrowly
        app.teardown_websocket(interface.save_interrupted)
        app.after_serving(state.aclose)

    async def find(self, owner: object) -> list[SessionInfo]:
        """Return the sessions of a user, the last used first.

        Args:
            owner: The value of ``session[SESSION_OWNER_KEY]``: the user id of ``login_user``.

        Raises:
            SessionListingError: If the sessions of this app cannot be listed.
            SessionUnavailableError: If the store is down.
        """
        return await self._manager().find(str(owner))

    async def end(self, owner: object, *, only: str | None = None, keep: str | None = None) -> int:
        """End sessions of a user, at once: requests under way cannot bring them back.

        Args:
            owner: As for ``find``.
            only: The key of the only session to end; None ends all.
            keep: The key of a session to keep, such as the current ``session.key``.

        Returns:
            The number of ended sessions.

        Raises:
            SessionListingError: If the sessions of this app cannot be listed.
            SessionUnavailableError: If the store is down.
        """
        manager = self._manager()
        found = [info.key for info in await manager.find(str(owner)) if info.key != keep]
        return sum([await manager.end(key) for key in found if only in {None, key}])

    async def existing(self, keys: Collection[str]) -> set[str]:
        """Return those of these sessions (``session.key``) that have not ended, in one query.

        For connections that outlive a request, such as WebSockets. The server cannot end
        sessions in a cookie: all of them exist.

        Raises:
            SessionUnavailableError: If the store is down.
        """
        manager = STATE.get().manager
        if manager is None or not keys:
            return set(keys)
        return await manager.existing(keys)

    async def clean_up(self) -> None:
        """Remove expired sessions from a store that keeps them, such as a database.

        New sessions do so now and then; a job can do it at a quiet hour. The errors are those of
        the store.
        """
        manager = STATE.get().manager
        if manager is not None:
            await manager.store.clean_up()

    async def check(self) -> None:
        """Raise an error if the store is down, for a health page.

        Raises:
            SessionUnavailableError: If it does not answer in time.
        """
        for check in STATE.get().health_checks().values():
            await check()

    def _manager(self) -> SessionManager:
        manager = STATE.get().manager
        if manager is None:
            raise SessionListingError("null")
        return manager


async def save_session() -> None:
    """Write the changes of the current session now; in a WebSocket before it closes.

    Raises:
        SessionHandshakeError: In a WebSocket, if it would take a new cookie.
        SessionUnavailableError: If the store is down.
    """
    await cast(Any, session).save()


def _settings(config: Mapping[str, Any], app: Quart) -> Settings:
    idle = config["SESSION_IDLE_SECONDS"]
    if idle is None:
        idle = app.permanent_session_lifetime.total_seconds()
    return Settings(
        prefix=config["SESSION_KEY_PREFIX"],
        id_length=config["SESSION_ID_LENGTH"],
        permanent=config["SESSION_PERMANENT"],
        idle=idle,
        anonymous_idle=min(idle, config["SESSION_ANONYMOUS_IDLE_SECONDS"]),
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
            f"is {kind!r} and needs the package '{error.name}', which is not installed",
            f"Install it with: pip install 'quarterdeck[{kind}]'",
        ) from error
    return cast(SessionStore, module.make_store(config, app))
