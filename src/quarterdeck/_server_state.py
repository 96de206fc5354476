"""The state of the server that an app can see: whether it is about to stop."""

from __future__ import annotations

from typing import Any

#: Key of the ASGI scope's ``state`` under which our server puts its own.
SERVER = "quarterdeck.server"


class ServerState:
    """One object for all connections of a server.

    Attributes:
        draining: Whether the host stops: no other worker takes over.
    """

    draining = False


def is_draining(scope: Any) -> bool:
    """Return whether the server of a request is about to stop; false on other servers."""
    server = (scope.get("state") or {}).get(SERVER)
    return server is not None and bool(server.draining)
