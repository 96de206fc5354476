"""The PROXY protocol: the first bytes of a connection name the client of a proxy.

See https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

#: Bytes of the longest header of version 1.
MAX_LINE = 107
#: Bytes that may follow the fixed part of a header of version 2.
MAX_REST = 4096

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED_SIZE = 16
_LINE = re.compile(rb"PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})\r\n")
_UNKNOWN = re.compile(rb"PROXY UNKNOWN[^\r\n]*\r\n")
_LOCAL, _PROXY = 0x20, 0x21
_TCP = {0x11: (IPv4Address, 4), 0x21: (IPv6Address, 16)}
_NO_ADDRESS = {0x00: 0, 0x31: 216}  # unspecified, and Unix domain sockets
_SSL, _CLIENT_SSL = 0x20, 0x01

Address = tuple[str, int]
Receive = Callable[[int], Awaitable[bytes]]


class ProxyHeaderError(Exception):
    """A connection does not begin with a header of the PROXY protocol."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """The ends of the connection between the client and the proxy.

    Attributes:
        client: None if the proxy speaks for itself, or does not know it.
        server: The address that the client connected to, or None.
        is_tls: Whether the client spoke TLS, which the proxy has ended.
    """

    client: Address | None = None
    server: Address | None = None
    is_tls: bool = False


async def read_header(receive: Receive) -> ProxyHeader:
    """Read a header of version 1 or 2, and not a byte more.

    Args:
        receive: Waits for at least one byte and returns at most as many as it is asked for;
            nothing at the end of the connection.

    Raises:
        ProxyHeaderError: If there is none, or it is damaged or too long.
    """
    begin = await _exactly(receive, len(_SIGNATURE))
    if begin == _SIGNATURE:
        return await _read_binary(receive)
    if begin.startswith(b"PROXY "):
        return await _read_line(receive, begin)
    raise ProxyHeaderError("it does not begin with a header")


async def _read_line(receive: Receive, line: bytes) -> ProxyHeader:
    while not line.endswith(b"\r\n"):
        if len(line) == MAX_LINE:
            raise ProxyHeaderError("the line is too long")
        line += await _exactly(receive, 1)  # what follows the line belongs to TLS or HTTP
    if _UNKNOWN.fullmatch(line):
        return ProxyHeader()
    match = _LINE.fullmatch(line)
    if match is None:
        raise ProxyHeaderError("the line is damaged")
    version, *parts = (part.decode("latin-1") for part in match.groups())
    try:
        addresses = [ip_address(part) for part in parts[:2]]
    except ValueError:
        raise ProxyHeaderError("the line has no addresses") from None
    ports = [int(port) for port in parts[2:]]
    if any(each.version != int(version) for each in addresses) or max(ports) > 0xFFFF:
        raise ProxyHeaderError("the line has an address or a port of another kind")
    return ProxyHeader((str(addresses[0]), ports[0]), (str(addresses[1]), ports[1]))


async def _read_binary(receive: Receive) -> ProxyHeader:
    command, kind, *size = await _exactly(receive, _FIXED_SIZE - len(_SIGNATURE))
    length = int.from_bytes(size)
    if length > MAX_REST:
        raise ProxyHeaderError("the header is too long")
    rest = await _exactly(receive, length)
    if command == _LOCAL:
        return ProxyHeader()
    if command != _PROXY or kind not in _TCP.keys() | _NO_ADDRESS.keys():
        raise ProxyHeaderError("the header is of an unknown kind")
    if kind in _NO_ADDRESS:
        return ProxyHeader(is_tls=_has_tls(rest[_NO_ADDRESS[kind] :]))
    make, width = _TCP[kind]
    used = 2 * width + 4
    if length < used:
        raise ProxyHeaderError("the header is too short")
    source, target = (str(make(rest[begin : begin + width])) for begin in (0, width))
    ports = [int.from_bytes(rest[begin : begin + 2]) for begin in (2 * width, 2 * width + 2)]
    return ProxyHeader((source, ports[0]), (target, ports[1]), _has_tls(rest[used:]))


def _has_tls(entries: bytes) -> bool:
    """Whether one of the additional entries says that the client spoke TLS."""
    while entries:
        size = int.from_bytes(entries[1:3])
        value, rest = entries[3 : 3 + size], entries[3 + size :]
        if len(entries) < 3 or len(value) < size:
            raise ProxyHeaderError("an entry is cut off")
        if entries[0] == _SSL and value:
            return bool(value[0] & _CLIENT_SSL)
        entries = rest
    return False


async def _exactly(receive: Receive, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = await receive(size - len(data))
        if not piece:
            raise ProxyHeaderError("the connection ended within the header")
        data += piece
    return data
