"""The extension: it registers an app's functions and publishes its events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import msgspec
from quart import current_app, websocket
from werkzeug.exceptions import Forbidden, Unauthorized

from quarterdeck._assets import AssetBlueprint
from quarterdeck._quart import stop_first, unwrap
from quarterdeck._state import ExtensionState
from quarterdeck._unawaited import check_at_the_end, noted
from quarterdeck.config import read
from quarterdeck.exceptions import (
    ConfigurationError,
    HubNotRunningError,
    IdentityMissingError,
    RoomPatternError,
    UnknownRoomError,
)

from .base import Backend
from .config import CONFIG
from .connection import NOT_ALLOWED, NOT_SIGNED_IN, Member
from .event import Event
from .handler import ConnectionHandler
from .manager import CONTROL, USER, ConnectionManager
from .messages import Refusal
from .rechecker import Rechecker
from .rooms import MAX_ROOM_NAME, RoomPattern, compile_pattern

if TYPE_CHECKING:
    from quart import Quart

_STATIC = Path(__file__).parent / "static"
# Of the client for browsers. Read with the module: an app may be made on the event loop.
_VERSION = sha256((_STATIC / "client.js").read_bytes()).hexdigest()[:12]
C = TypeVar("C", bound=Callable[..., Any])
STATE: ExtensionState[ConnectionManager] = ExtensionState("sockets", "Hub")


class SupportsAfterCommit(Protocol):
    """A db session with commit callbacks, such as that of ``quarterdeck.sqlalchemy``."""

    def after_commit(self, callback: Callable[[], Awaitable[object] | object]) -> None:
        """Call ``callback`` after the commit; forget it on a rollback."""


class Hub:
    """Live events of an app.

    Args:
        app: Initialised at once if given.
        backend: A custom back end, used instead of ``SOCKETS_BACKEND``.
    """

    def __init__(self, app: Quart | None = None, *, backend: Backend | None = None) -> None:
        self._backend = backend
        self._rooms: list[RoomPattern] = []
        self._identify: Callable[[], Any] | None = None
        self._recheck: Callable[..., Any] | None = None
        self._check_say: Callable[..., Any] | None = None
        self._keep_say: Callable[..., Any] | None = None
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration; the back end starts when the app begins to serve.

        The client for browsers is served at ``url_for("sockets.static", filename="client.js")``.

        Raises:
            ConfigurationError: If a ``SOCKETS_*`` key cannot work, or a package is missing.
            ExtensionAlreadyInitializedError: If the app has a Hub.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        manager = ConnectionManager(self._backend or _make_backend(config, app), config)
        STATE.attach(app, manager)

        async def start() -> None:
            recheck = app.ensure_async(self._recheck) if self._recheck else None
            await manager.start(Rechecker(app, manager, recheck, self._may_enter))

        app.register_blueprint(AssetBlueprint("sockets", folder=_STATIC, version=_VERSION))
        app.before_serving(start)
        stop_first(app, manager.aclose)
        check_at_the_end(app)

    # --- functions of the app ---------------------------------------------------------

    def identify(self, function: C) -> C:
        """Register the function that identifies the user of the current WebSocket.

        It returns a ``Member``. None or ``Unauthorized`` closes the WebSocket with 4401, and
        ``Forbidden`` with 4403.
        """
        self._identify = function
        return function

    def recheck(self, function: C) -> C:
        """Register the function that takes all members and returns those that may stay.

        It is called every ``SOCKETS_RECHECK_SECONDS`` in an app context. If it raises, all
        members stay until the next call.
        """
        self._recheck = function
        return function

    def check_say(self, function: C) -> C:
        """Register a function that is called before a ``say`` message is published::

            @hub.check_say
            async def limit_say(member, room): ...

        It returns None, or a sentence for the user why the message is not published. The client
        gets it in an ``error`` message with the code ``too_fast``.
        """
        self._check_say = function
        return function

    def keep_say(self, function: C) -> C:
        """Register a function that keeps what clients say, before it is published::

            @hub.keep_say
            async def keep(member, room, text): ...

        It returns whether it has kept the text. It raises ``SayRefusedError`` with a sentence for
        the user if the text can be neither kept nor published.
        """
        self._keep_say = function
        return function

    def room(self, pattern: str) -> Callable[[C], C]:
        """Register a pattern of rooms, and the function that allows members to enter::

            @hub.room("order:<int:id>")
            async def may_watch_order(member, id): ...

        It runs in an app context, when a client subscribes and after ``reconsider``.

        Raises:
            RoomPatternError: If the pattern cannot be understood.
        """
        if pattern.startswith(USER):
            raise RoomPatternError(pattern, "is the hub's own, for 'publish_to'")

        def register(may_enter: C) -> C:
            self._rooms.append(compile_pattern(pattern, may_enter))
            return may_enter

        return register

    # --- WebSockets -------------------------------------------------------------------

    async def serve(self) -> None:
        """Serve the current WebSocket until it closes, as ``docs/websocket.md`` describes.

        Raises:
            HubNotRunningError: If the app's start-up functions did not run.
            IdentityMissingError: If no ``identify`` function is registered.
        """
        manager = STATE.get()
        if not manager.has_started:
            raise HubNotRunningError
        if self._identify is None:
            raise IdentityMissingError
        try:
            member = await current_app.ensure_async(self._identify)()
        except Forbidden:
            return await _refuse(NOT_ALLOWED, "Not allowed")
        except Unauthorized:
            member = None
        if member is None:
            return await _refuse(NOT_SIGNED_IN, "Not signed in")
        await websocket.accept()
        current = unwrap(websocket)
        await ConnectionHandler(
            manager,
            current,
            member,
            self._may_enter,
            self._refuse_say,
            self._keep,
            self.publish,
        ).run()

    async def _refuse_say(self, member: Member, room: str) -> str | None:
        if self._check_say is None:
            return None
        reason: str | None = await current_app.ensure_async(self._check_say)(member, room)
        return reason

    async def _keep(self, member: Member, room: str, text: str) -> bool:
        if self._keep_say is None:
            return False
        return bool(await current_app.ensure_async(self._keep_say)(member, room, text))

    async def _may_enter(self, member: Member, name: str) -> bool:
        room, values = self._find_room(name)
        if room is None:
            raise Refusal("unknown_room", "There is no such room.", name[:MAX_ROOM_NAME])
        return bool(await current_app.ensure_async(room.may_enter)(member, **values))

    def _find_room(self, name: str) -> tuple[RoomPattern | None, dict[str, Any]]:
        if len(name) <= MAX_ROOM_NAME:
            for room in self._rooms:
                values = room.match(name)
                if values is not None:
                    return room, values
        return None, {}

    # --- publishing -------------------------------------------------------------------

    @noted("hub")
    async def publish(self, room: str, name: str, data: Any) -> str:
        """Send an event to all connections in a room, in all processes; return its id.

        Raises:
            TypeError: If JSON cannot hold the data.
            UnknownRoomError: If no pattern has such a room.
        """
        self._check_room(room)
        return await _publish(STATE.get(), room, name, data)

    def publish_after(self, session: SupportsAfterCommit, room: str, name: str, data: Any) -> None:
        """Publish after ``session`` has committed, in the order of the calls.

        A rollback drops the event. The data are encoded now, so later changes of the objects do
        not show.

        Raises:
            TypeError: If JSON cannot hold the data.
            UnknownRoomError: If no pattern has such a room.
        """
        self._check_room(room)
        manager, raw = STATE.get(), _encode(data)
        session.after_commit(lambda: _publish(manager, room, name, raw))

    @noted("hub")
    async def publish_to(self, member_id: str, name: str, data: Any) -> str:
        """Send an event to every connection of one member; return its id."""
        return await _publish(STATE.get(), USER + str(member_id), name, data)

    @noted("hub")
    async def disconnect(
        self, member_id: str, code: int = NOT_SIGNED_IN, *, via: str | None = None
    ) -> None:
        """Close the connections of a member in all processes.

        Args:
            member_id: The id of the member.
            code: The close code; after 4401 a client signs in before it reconnects.
            via: If given, only close connections with this credential (``Member.via``).
        """
        command = {"member": str(member_id), "code": code, "via": via}
        await _publish(STATE.get(), CONTROL, "disconnect", command)

    @noted("hub")
    async def reconsider(self, member_id: str) -> None:
        """Recheck a member and its rooms at once, in all processes."""
        await _publish(STATE.get(), CONTROL, "reconsider", {"member": str(member_id)})

    def _check_room(self, name: str) -> None:
        if self._find_room(name)[0] is None:
            raise UnknownRoomError(name)

    @property
    def position(self) -> str:
        """The id of the last event of this process.

        Read it before the data of a page. A client that then sends it as ``since`` misses no
        event.
        """
        return STATE.get().log.last

    # --- for operators ----------------------------------------------------------------

    async def check(self) -> None:
        """Raise an error if the back end does not work, for a health page."""
        await STATE.get().backend.check()

    def statistics(self) -> dict[str, int]:
        """Return the counters of this process, for ``/metrics``."""
        return STATE.get().statistics()


async def _publish(manager: ConnectionManager, room: str, name: str, data: Any) -> str:
    return await manager.backend.publish(Event(room, "", name, _encode(data)))


def _encode(data: Any) -> msgspec.Raw:
    return data if isinstance(data, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(data))


async def _refuse(code: int, reason: str) -> None:
    """Accept and close: browsers show a close code only for an accepted connection."""
    await websocket.accept()
    await websocket.close(code, reason)


def _make_backend(config: Mapping[str, Any], app: Quart) -> Backend:
    kind = config["SOCKETS_BACKEND"]
    try:
        module = import_module(f".{kind}", __package__)
    except ImportError as error:
        raise ConfigurationError(
            "SOCKETS_BACKEND",
            f"needs the package '{error.name}', which is not installed",
            f"Install it with: pip install 'quarterdeck[{kind}]'",
        ) from error
    return cast(Backend, module.make_backend(config, app))
