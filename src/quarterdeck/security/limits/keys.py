"""The clients that limits count, and the stored form of their keys."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any

from quarterdeck._quart import connection_of, request_context, websocket_context

#: Returns whom a limit counts, or None for a client without that limit.
KeyFunction = Callable[[], str | None]

IPV6_NETWORK = 64  # bits that a provider gives to one customer


def current_connection() -> Any:
    """Return the current request or WebSocket, None outside one."""
    return connection_of(request_context() or websocket_context())


def get_remote_address() -> str:
    """Return the address of the client, of an IPv6 client its network.

    One customer of a provider has all 2**64 addresses of such a network, so a limit for each
    of them would be none. Behind a proxy, configure the trusted proxies: without them the
    address is that of the proxy, and all clients share one limit.
    """
    return network_of(getattr(current_connection(), "remote_addr", None))


def network_of(address: str | None) -> str:
    """Return an IPv4 address, the network of an IPv6 address, or ``local`` without any."""
    if not address:
        return "local"  # over a Unix socket
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> IPV6_NETWORK << IPV6_NETWORK)}/{IPV6_NETWORK}"


def digest(*parts: str) -> str:
    """Return a short stored key: the storage sees no e-mail address, and no key is long."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).hexdigest()
