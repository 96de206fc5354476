"""Lists of addresses and networks, as configuration writes them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

#: Stands for the clients of a Unix domain socket, which have no address.
UNIX = "unix"
#: Key of an ASGI scope that is there if a trusted proxy has sent the request.
VIA_PROXY = "quarterdeck.via_proxy"


class Networks:
    """Addresses and networks; ``address in networks`` tells whether one of them holds it.

    An IPv4 address that is written as IPv6 (``::ffff:192.0.2.1``) counts as IPv4. None is the
    address of a client on a Unix domain socket.

    Args:
        names: Such as ``"192.0.2.1"``, ``"10.0.0.0/8"``, ``"fd00::/8"`` or ``"unix"``.

    Raises:
        ValueError: If a name is none of them, with a description of the expected value.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._networks = tuple(_network(name) for name in self._names if name != UNIX)
        self._find = lru_cache(maxsize=1024)(self._search)

    def __bool__(self) -> bool:
        return bool(self._names)

    def __contains__(self, address: str | None) -> bool:
        return UNIX in self._names if address is None else self._find(address)

    def _search(self, address: str) -> bool:
        try:
            wanted = parse_address(address)
        except ValueError:
            return False
        return any(wanted in network for network in self._networks)


def parse_address(text: str) -> IPv4Address | IPv6Address:
    """Return an address; one that only wraps an IPv4 address becomes that.

    Raises:
        ValueError: If it is none.
    """
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _network(name: str) -> IPv4Network | IPv6Network:
    try:
        if isinstance(name, str):  # a number would be an address too
            return ip_network(name)
        problem = f"{name!r} is no text"
    except ValueError as error:
        problem = str(error)
    raise ValueError(f"addresses or networks such as '192.0.2.1' or '10.0.0.0/8', but {problem}")
