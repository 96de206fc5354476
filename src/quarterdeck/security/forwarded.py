"""The headers in which proxies tell about their client, read from the right end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quarterdeck._networks import parse_address

_NODE = re.compile(
    r"\[(?P<six>[^\]]+)\](:(?P<port6>\d{1,5}))?|(?P<four>[\d.]+)(:(?P<port>\d{1,5}))?"
)
# An element of RFC 7239: pairs of a name and a word, or a text in quotes, between semicolons.
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_PAIR = rf'({_WORD})=({_WORD}|"(?:[^"\\]|\\.)*")'
_PAIRS = re.compile(_PAIR)
_ELEMENT = re.compile(rf"\s*+(?:{_PAIR})?(?:\s*+;\s*+(?:{_PAIR})?)*+\s*+")


@dataclass(frozen=True, slots=True)
class Hop:
    """The client of one proxy.

    Attributes:
        address: None if the proxy does not know it, or hides it.
        port: 0 if it is not known.
        scheme: That the client used to reach the proxy, None if it is not told.
        host: That the client asked for, None if it is not told.
        port_of_host: The port that it asked for, None if it is not told.
        prefix: The part of the path that the proxy has removed, None if it is not told.
    """

    address: str | None
    port: int = 0
    scheme: str | None = None
    host: str | None = None
    port_of_host: str | None = None
    prefix: str | None = None


def x_forwarded_hops(headers: Mapping[bytes, list[str]]) -> Iterator[Hop]:
    """Yield the hops of the ``X-Forwarded-*`` headers, the last proxy's first.

    A header with fewer values than proxies was replaced on the way: its leftmost value counts.
    """
    lists = {
        name: [value.strip() for line in lines for value in line.split(",") if value.strip()]
        for name, lines in headers.items()
    }

    def value(name: bytes, number: int) -> str | None:
        found = lists.get(name)
        return found[-min(number, len(found))] if found else None

    nodes = lists.get(b"x-forwarded-for") or ["unknown"]
    for number, node in enumerate(reversed(nodes), 1):
        address, port = parse_node(node)
        yield Hop(
            address,
            port,
            value(b"x-forwarded-proto", number),
            value(b"x-forwarded-host", number),
            value(b"x-forwarded-port", number),
            value(b"x-forwarded-prefix", number),
        )


def forwarded_hops(lines: list[str]) -> Iterator[Hop]:
    """Yield the hops of ``Forwarded`` (RFC 7239), the last proxy's first.

    It ends where a line does not follow the grammar.
    """
    for line in reversed(lines):
        for element in _elements_from_the_right(line):
            if element is None:
                return
            address, port = parse_node(element.get("for", "unknown"))
            yield Hop(address, port, element.get("proto"), element.get("host"))


def _elements_from_the_right(line: str) -> Iterator[dict[str, str] | None]:
    """Yield the elements of a line, then None if its rest is damaged.

    Read from the left, a quote that a client leaves open would swallow the elements of the
    proxies. Read from the right, a comma within a quoted text is none between elements, because
    the text after it has an odd number of quotes and so does not match.
    """
    while line.strip():
        begin = len(line)
        while True:
            begin = line.rfind(",", 0, begin)
            if _ELEMENT.fullmatch(line, begin + 1):
                break
            if begin < 0:
                yield None
                return
        element = {name.lower(): _plain(value) for name, value in _PAIRS.findall(line, begin + 1)}
        if element:
            yield element
        line = line[: max(begin, 0)]


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def parse_node(node: str) -> tuple[str | None, int]:
    """Return the address and the port of a client; None for one that is unknown or hidden."""
    match = _NODE.fullmatch(node)
    address = node if match is None else match["six"] or match["four"]
    port = "" if match is None else match["port6"] or match["port"] or ""
    try:
        return str(parse_address(address)), int(port or 0)
    except ValueError:
        return None, 0
