"""Translate the errors of ``websockets`` into our own."""

from __future__ import annotations

from websockets.exceptions import ConnectionClosed, InvalidStatus

from quarterdeck.exceptions import (
    NotAllowedError,
    NotSignedInError,
    SocketClientError,
    SocketRefusedError,
    SocketUnreachableError,
)

NOT_SIGNED_IN, NOT_ALLOWED = 4401, 4403
# Errors of protocol or size, ours or the server's: they would repeat with the same events.
FINAL_CLOSE_CODES = {1002, 1003, 1007, 1009, 1010}
TRANSIENT_STATUSES = {408, 425, 429}  # and everything from 500


def _close_code(closed: ConnectionClosed) -> int:
    close = closed.rcvd or closed.sent
    return close.code if close else 1006


def is_transient(error: Exception) -> bool:
    """Whether a retry may succeed."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return status >= 500 or status in TRANSIENT_STATUSES
    if isinstance(error, ConnectionClosed):
        return _close_code(error) not in FINAL_CLOSE_CODES | {NOT_SIGNED_IN, NOT_ALLOWED}
    return isinstance(error, OSError) or isinstance(error.__cause__, EOFError)


def translate(url: str, error: Exception) -> SocketClientError:
    """Return our error for an error of the library."""
    code = 0
    if isinstance(error, InvalidStatus):
        code = error.response.status_code
    elif isinstance(error, ConnectionClosed):
        code = _close_code(error)
    if code in {401, NOT_SIGNED_IN}:
        return NotSignedInError(url)
    if code in {403, NOT_ALLOWED}:
        return NotAllowedError(url)
    if isinstance(error, OSError) or code in TRANSIENT_STATUSES or 500 <= code < 600:
        return SocketUnreachableError(url, str(error) or type(error).__name__)
    return SocketRefusedError(url, str(error))
