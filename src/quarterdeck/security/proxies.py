"""Who the client is, as told by the proxies that are trusted to know."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from quarterdeck._networks import VIA_PROXY, Networks

from .forwarded import Hop, forwarded_hops, x_forwarded_hops

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~!$&'()*+;=:@-]+)+")
_SCHEMES = {"http": ("http", "ws"), "https": ("https", "wss")}
_SCHEMES |= {"ws": _SCHEMES["http"], "wss": _SCHEMES["https"]}
_STANDARD_PORTS = {"http": "80", "https": "443"}


class TrustedProxies:
    """Reads the headers that trusted proxies have added, and ignores those of others.

    Each proxy adds the address of its client at the right end. The chain is read from there, and
    only as far as each address is that of a trusted proxy: the first other one is the client.

    Args:
        networks: The proxies.
        names: The headers that they set; no other is read.
    """

    def __init__(self, networks: Networks, names: Iterable[str]) -> None:
        self._networks = networks
        self._names = {name.lower().encode("ascii") for name in names}

    def apply(self, scope: Any) -> None:
        """Give an ASGI scope the address, scheme, host and root path that the client used.

        Nothing changes if the other side of the connection is no trusted proxy. What a proxy
        calls unknown, or a damaged value, leaves the last value that is known.
        """
        client = scope.get("client")
        if not self._networks or (client and client[0]) not in self._networks:
            return
        scope[VIA_PROXY] = True
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            if name in self._names:
                headers.setdefault(name, []).append(value.decode("latin-1"))
        if b"forwarded" in self._names:
            hops = forwarded_hops(headers.get(b"forwarded", []))
        else:
            hops = x_forwarded_hops(headers)
        self._follow(scope, hops)

    def _follow(self, scope: Any, hops: Iterable[Hop]) -> None:
        seen: Hop | None = None
        for hop in hops:
            seen = hop
            if hop.address is None:
                break
            scope["client"] = (hop.address, hop.port)
            if hop.address not in self._networks:
                break
        if seen is not None:
            _set_scheme(scope, seen.scheme)
            _set_host(scope, seen)
            _set_prefix(scope, seen.prefix)


def _set_scheme(scope: Any, scheme: str | None) -> None:
    found = _SCHEMES.get((scheme or "").lower())
    if found is not None:
        scope["scheme"] = found[scope["type"] == "websocket"]


def _set_host(scope: Any, hop: Hop) -> None:
    headers = scope["headers"]
    host = hop.host
    if host is None and hop.port_of_host is not None:
        own = (value.decode("latin-1") for name, value in headers if name == b"host")
        host = re.sub(r":\d+$", "", next(own, ""))
    if host is None or not _HOST.fullmatch(host):
        return
    port = hop.port_of_host
    if port is not None and port.isdecimal() and not re.search(r":\d+$", host):
        scheme = scope["scheme"].replace("ws", "http")
        host = host if port == _STANDARD_PORTS.get(scheme) else f"{host}:{port}"
    others = [pair for pair in headers if pair[0] != b"host"]
    scope["headers"] = [(b"host", host.encode("ascii")), *others]


def _set_prefix(scope: Any, prefix: str | None) -> None:
    prefix = (prefix or "").rstrip("/")
    if _PREFIX.fullmatch(prefix):
        scope["root_path"] = prefix + scope.get("root_path", "")
        scope["path"] = prefix + scope["path"]
