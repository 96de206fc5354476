"""The configuration of the server, with Hypercorn's names."""

from __future__ import annotations

import os
from pathlib import Path
from ssl import SSLContext
from time import time
from typing import Self, cast

import hypercorn.config
from hypercorn.config import FilePath

from quarterdeck.exceptions import CertificateError

from . import config_file
from .access_log import SHORT_FORMAT, AccessLogger

MIB = 2**20
#: Seconds that handlers have to clean up after they were cancelled.
CANCEL_SECONDS = 5.0


class Config(hypercorn.config.Config):
    """Hypercorn's configuration with stricter defaults and a few keys of our own.

    ``Config.from_toml("hypercorn.toml")`` reads a file that Hypercorn can read too: Hypercorn
    ignores our keys.
    """

    logger_class = AccessLogger
    access_log_format = SHORT_FORMAT
    graceful_timeout: float = 10
    """Seconds in which requests and handlers may finish when the server stops."""
    drain_delay: float = 0
    """Seconds of service after the order to stop, in which readiness checks fail already."""
    http1 = "httptools"
    """The parser of HTTP/1.1: ``httptools``, or ``h11``, which is written in Python."""
    http2_cleartext = False
    """Whether HTTP/2 is spoken without TLS (``Upgrade: h2c`` and prior knowledge)."""
    include_server_header = False
    """Whether responses have the header ``server: quarterdeck``."""
    log_format: str | None = None
    """``text`` or ``json``, for all logs of the process; None leaves those of the app alone."""
    proxy_protocol_from: list[str] = []
    """Addresses and networks of proxies whose connections begin with the PROXY protocol."""
    proxy_protocol_timeout: float = 5
    """Seconds in which its header must arrive."""
    websocket_deflate = False
    """Whether permessage-deflate is offered."""
    websocket_max_message_size = MIB
    """The largest message in bytes, inflated and with all fragments; more closes with 1009."""
    websocket_ping_interval: float | None = 20
    """Seconds of silence after which a ping is sent to a client; None sends no pings."""
    websocket_pong_timeout: float = 20
    """Seconds in which the client must answer a ping."""
    worker_hang_timeout: float = 30
    """Seconds without a sign of life of its event loop after which a worker is replaced."""
    worker_max_memory: int | None = None
    """Resident bytes above which a worker is replaced; None is no limit."""
    write_timeout: float = 20
    """Seconds after which a client that reads nothing is disconnected."""

    @classmethod
    def from_toml(cls, filename: FilePath) -> Self:
        """Return the configuration in a file.

        Raises:
            ServerConfigurationError: If a key is unknown, or its value is of another type.
        """
        return cast(Self, cls.from_mapping(config_file.read(Path(os.fsdecode(filename)), cls)))

    def create_ssl_context(self) -> SSLContext | None:
        """Return the TLS settings with the certificate; None if there is none.

        Raises:
            CertificateError: If its files cannot be used.
        """
        if (self.certfile is None) != (self.keyfile is None):
            name = "keyfile" if self.keyfile is None else "certfile"
            raise CertificateError(self.certfile or self.keyfile, f"'{name}' is not set")
        try:
            return super().create_ssl_context()
        except OSError as error:
            raise CertificateError(self.certfile, error.strerror or str(error)) from error

    def load_certificate(self, context: SSLContext) -> None:
        """Read the files of the certificate again, for the connections to come.

        Raises:
            CertificateError: If they cannot be used.
        """
        try:
            context.load_cert_chain(self.certfile or "", self.keyfile, self.keyfile_password)
        except OSError as error:
            raise CertificateError(self.certfile, error.strerror or str(error)) from error

    _cached_headers: tuple[tuple[int, str], list[tuple[bytes, bytes]]] | None = None

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """Return the headers of every response, cached for one second."""
        key = (int(time()), protocol)
        if self._cached_headers is None or self._cached_headers[0] != key:
            headers = super().response_headers(protocol)  # Hypercorn names the HTTP version
            named = [(n, b"quarterdeck" if n == b"server" else value) for n, value in headers]
            self._cached_headers = (key, named)
        return self._cached_headers[1]
