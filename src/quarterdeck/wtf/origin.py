"""Origins (scheme, host, port) of pages, and comparing them with hosts."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page comes from, with the port spelled out where the scheme has one."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, url: str | None) -> Origin | None:
        """The origin of a URL or of an ``Origin`` header; None if it has none."""
        try:
            parts = urlsplit(url or "")
            port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        except ValueError:
            return None
        if not parts.scheme or not parts.hostname:
            return None
        return cls(parts.scheme, parts.hostname, port)

    def is_at(self, host: str) -> bool:
        """Whether ``host``, as in a ``Host`` header, names the same place.

        The scheme is left out: behind a proxy that ends TLS the app does not know its own.
        """
        home = Origin.parse(f"{self.scheme}://{host}")
        return self.scheme in _DEFAULT_PORTS and home == self
