"""The extension: the functions of an app, and what it publishes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import msgspec
from quart import current_app, websocket
from werkzeug.exceptions import Forbidden, Unauthorized

from quarterdeck._config import read
from quarterdeck._state import ExtensionState
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
from .conversation import Conversation
from .event import Event
from .messages import Refusal
from .rooms import MAX_NAME, Room, make_room
from .supervision import Supervision
from .switchboard import CONTROL, USER, Switchboard

if TYPE_CHECKING:
    from quart import Quart

C = TypeVar("C", bound=Callable[..., Any])
STATE: ExtensionState[Switchboard] = ExtensionState("sockets", "Hub")


class Committing(Protocol):
    """A db session that says when it has committed, as that of ``quarterdeck.sqlalchemy``."""

    def after_commit(self, callback: Callable[[], Awaitable[object] | object]) -> None:
        """Call ``callback`` after the commit; forget it on a rollback."""


class Hub:
    """Live events of an app.

    Args:
        app: Initialised at once if given.
        backend: A back end of your own, in the place of ``SOCKETS_BACKEND``.
    """

    def __init__(self, app: Quart | None = None, *, backend: Backend | None = None) -> None:
        self._backend = backend
        self._rooms: list[Room] = []
        self._identify: Callable[[], Any] | None = None
        self._recheck: Callable[..., Any] | None = None
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration; the back end starts when the app begins to serve.

        Raises:
            ConfigurationError: If a ``SOCKETS_*`` key cannot work, or a package is missing.
            ExtensionAlreadyInitializedError: If the app has a Hub.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        board = Switchboard(self._backend or _make_backend(config, app), config)
        STATE.attach(app, board)

        async def start() -> None:
            recheck = app.ensure_async(self._recheck) if self._recheck else None
            await board.start(Supervision(app, board, recheck, self._may_enter))

        app.before_serving(start)
        app.after_serving(board.aclose)

    # --- functions of the app ---------------------------------------------------------

    def identify(self, function: C) -> C:
        """Register the function that says whose the current WebSocket is.

        It returns a ``Member``, or None if nobody is signed in, which closes with 4401, as
        raising ``Unauthorized`` does; ``Forbidden`` closes with 4403.
        """
        self._identify = function
        return function

    def recheck(self, function: C) -> C:
        """Register the function that is given all members and returns those that may stay.

        It is called every ``SOCKETS_RECHECK_SECONDS`` in an app context. If it raises,
        everybody stays for now.
        """
        self._recheck = function
        return function

    def room(self, pattern: str) -> Callable[[C], C]:
        """Register a kind of rooms, and the function that says who may enter::

            @hub.room("order:<int:id>")
            async def may_watch_order(member, id): ...

        It runs in an app context, when somebody subscribes and after ``reconsider``.

        Raises:
            RoomPatternError: If the pattern cannot be understood.
        """
        if pattern.startswith(USER):
            raise RoomPatternError(pattern, "is the hub's own, for 'publish_to'")

        def register(may_enter: C) -> C:
            self._rooms.append(make_room(pattern, may_enter))
            return may_enter

        return register

    # --- WebSockets -------------------------------------------------------------------

    async def serve(self) -> None:
        """Serve the current WebSocket to its end, as ``docs/websocket.md`` says.

        Raises:
            HubNotRunningError: If the app's start-up functions did not run.
            IdentityMissingError: If no ``identify`` function is registered.
        """
        board = STATE.get()
        if not board.has_started:
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
        current = cast(Any, websocket)._get_current_object()
        await Conversation(board, current, member, self._may_enter, self.publish).run()

    async def _may_enter(self, member: Member, name: str) -> bool:
        room, values = self._find_room(name)
        if room is None:
            raise Refusal("unknown_room", "There is no such room.", name[:MAX_NAME])
        return bool(await current_app.ensure_async(room.may_enter)(member, **values))

    def _find_room(self, name: str) -> tuple[Room | None, dict[str, Any]]:
        if len(name) <= MAX_NAME:
            for room in self._rooms:
                values = room.match(name)
                if values is not None:
                    return room, values
        return None, {}

    # --- publishing -------------------------------------------------------------------

    async def publish(self, room: str, name: str, data: Any) -> str:
        """Send an event to everybody in a room, in all processes; return its id.

        Raises:
            TypeError: If JSON cannot hold the data.
            UnknownRoomError: If no pattern has such a room.
        """
        self._check_room(room)
        return await _publish(STATE.get(), room, name, data)

    def publish_after(self, session: Committing, room: str, name: str, data: Any) -> None:
        """Publish when ``session`` has committed, in the order of the calls; never if it does not.

        The data are those of now, whatever happens to the objects later.

        Raises:
            TypeError: If JSON cannot hold the data.
            UnknownRoomError: If no pattern has such a room.
        """
        self._check_room(room)
        board, raw = STATE.get(), _encode(data)
        session.after_commit(lambda: _publish(board, room, name, raw))

    async def publish_to(self, member_id: str, name: str, data: Any) -> str:
        """Send an event to every connection of one member; return its id."""
        return await _publish(STATE.get(), USER + str(member_id), name, data)

    async def disconnect(
        self, member_id: str, code: int = NOT_SIGNED_IN, *, via: str | None = None
    ) -> None:
        """Close the connections of a member in all processes.

        Args:
            member_id: Whose.
            code: The close code; 4401 tells a client to sign in before it comes back.
            via: Only those that were let in by this (``Member.via``).
        """
        order = {"member": str(member_id), "code": code, "via": via}
        await _publish(STATE.get(), CONTROL, "disconnect", order)

    async def reconsider(self, member_id: str) -> None:
        """Ask again, in all processes, whether a member may stay, and in which rooms."""
        await _publish(STATE.get(), CONTROL, "reconsider", {"member": str(member_id)})

    def _check_room(self, name: str) -> None:
        if self._find_room(name)[0] is None:
            raise UnknownRoomError(name)

    @property
    def position(self) -> str:
        """The id of the last event of this process.

        A page that gives it to ``subscribe`` as ``since`` misses nothing, if it was read before
        what the page shows.
        """
        return STATE.get().log.last

    # --- for operators ----------------------------------------------------------------

    async def check(self) -> None:
        """Raise what is wrong with the back end, for a health page."""
        await STATE.get().backend.check()

    def statistics(self) -> dict[str, int]:
        """Return what is going on in this process, for ``/metrics``."""
        return STATE.get().statistics()


async def _publish(board: Switchboard, room: str, name: str, data: Any) -> str:
    return await board.backend.publish(Event(room, "", name, _encode(data)))


def _encode(data: Any) -> msgspec.Raw:
    return data if isinstance(data, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(data))


async def _refuse(code: int, reason: str) -> None:
    """Close at once; a browser learns the code only from a connection that was accepted."""
    await websocket.accept()
    await websocket.close(code, reason)


def _make_backend(config: Mapping[str, Any], app: Quart) -> Backend:
    kind = config["SOCKETS_BACKEND"]
    try:
        module = import_module(f".{kind}", __package__)
    except ImportError as error:
        raise ConfigurationError(
            "SOCKETS_BACKEND",
            f"is {kind!r} and '{error.name}' is not installed",
            f"Install it with 'pip install quarterdeck[{kind}]'.",
        ) from error
    return cast(Backend, module.make_backend(config, app))
