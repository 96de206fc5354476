"""The listening sockets: those that systemd has opened, or new ones."""

from __future__ import annotations

import socket
import warnings

from hypercorn.config import Sockets

from quarterdeck.exceptions import ServerAddressError
from quarterdeck.serving.config import Config

from .notify import inherited_sockets


def open_sockets(config: Config) -> Sockets:
    """Return bound sockets.

    Raises:
        ServerAddressError: If an address is taken or is no address of this machine.
    """
    inherited = inherited_sockets()
    if inherited:
        return Sockets(inherited, [], []) if config.ssl_enabled else Sockets([], inherited, [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Hypercorn leaves a socket unclosed
        try:
            return config.create_sockets()
        except OSError as error:
            reason = error.strerror or str(error)
        except OverflowError as error:  # a port beyond 65535
            reason = str(error)
    raise ServerAddressError(", ".join(config.bind), reason)


def shown_address(listener: socket.socket) -> str:
    """Return the address of a listening socket as Hypercorn writes it, without importing HTTP/2."""
    address = listener.getsockname()
    match listener.family:
        case socket.AF_INET:
            return f"{address[0]}:{address[1]}"
        case socket.AF_INET6:
            return f"[{address[0]}]:{address[1]}"
        case _:
            return f"unix:{address}"
