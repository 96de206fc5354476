"""Errors of `quarterdeck.sockets`."""

from __future__ import annotations

from .base import QuarterdeckError


class RoomPatternError(QuarterdeckError, ValueError):
    """The pattern of a room cannot be understood."""

    def __init__(self, pattern: str, problem: str) -> None:
        super().__init__(
            f"'{pattern}' {problem}. "
            "Write text and '<name>' or '<int:name>', as in 'order:<int:id>'."
        )


class UnknownRoomError(QuarterdeckError, LookupError):
    """An event was published in a room that nobody could enter."""

    def __init__(self, room: str) -> None:
        super().__init__(
            f"'{room}' is in no pattern of the hub. Register one with '@hub.room(...)'."
        )


class HubNotRunningError(QuarterdeckError, RuntimeError):
    """A WebSocket came to an app whose start-up functions did not run."""

    def __init__(self) -> None:
        super().__init__(
            "'Hub' is not running, because the app is not serving. "
            "In a test connect inside 'async with app.test_app():'."
        )


class IdentityMissingError(QuarterdeckError, RuntimeError):
    """A hub serves WebSockets and has no way to identify their users."""

    def __init__(self) -> None:
        super().__init__(
            "'Hub' does not know whose a WebSocket is. Register a function with '@hub.identify'."
        )


class EventsUnavailableError(QuarterdeckError, ConnectionError):
    """The server that carries events between processes is away or refuses."""

    def __init__(self, address: str, problem: str) -> None:
        super().__init__(
            f"'{address}' does not carry live events: {problem}. "
            "See that this Redis runs and lets the app in, or set SOCKETS_BACKEND to 'memory'."
        )


class SayRefusedError(QuarterdeckError, ValueError):
    """A text that a client said cannot be kept; the client gets the reason."""


class EventRefusedError(QuarterdeckError, RuntimeError):
    """An event was published while as many as may wait are waiting for Redis."""

    def __init__(self, capacity: int) -> None:
        super().__init__(
            f"'publish' was refused: {capacity} events wait for Redis already. "
            "Bring Redis back, or raise SOCKETS_REDIS_BUFFER_SIZE."
        )


class SocketClientError(QuarterdeckError):
    """Base of all that ends, or keeps from beginning, the events of a program."""


class ClientClosedError(SocketClientError, RuntimeError):
    """A client was used outside its block."""

    def __init__(self) -> None:
        super().__init__(
            "'Client' is closed. Use it inside 'async with Client(...) as client', and not later."
        )


class SocketUnreachableError(SocketClientError, ConnectionError):
    """Nobody answers at the address, or not in time."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"'{url}' does not answer: {reason}. Start the server, or fix the URL.")


class SocketRefusedError(SocketClientError, ConnectionError):
    """What answers there serves no events, or ends them for good."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"'{url}' serves no events: {reason}. Look whether the URL is right.")


class NotSignedInError(SocketClientError, PermissionError):
    """The server does not accept our sign-in, or it has expired (4401)."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"'{url}' does not accept the sign-in: there is none, it was revoked or has expired. "
            "Give a token or cookie that is valid."
        )


class NotAllowedError(SocketClientError, PermissionError):
    """The server accepts our sign-in and refuses access (4403)."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"'{url}' is not open to whom the token or cookie belongs. "
            "Use that of somebody who may, or have the permission granted."
        )


class MessageRefusedError(SocketClientError):
    """The server answered a message with an error; the connection goes on.

    Attributes:
        code: The server's word for it, for programs.
        detail: Its sentence, for people.
        room: The room it is about, if any; we are not, or no longer, in it.
    """

    def __init__(self, code: str, detail: str, room: str | None = None) -> None:
        about = f"'{room}' - " if room else ""
        super().__init__(f"{about}{detail}")
        self.code = code
        self.detail = detail
        self.room = room
