"""A listening socket whose proxies name their clients with the PROXY protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from socket import socket
from ssl import SSLContext

from hypercorn.utils import parse_socket_addr

from quarterdeck._networks import Networks

from .config import Config
from .proxy_protocol import ProxyHeader, ProxyHeaderError, read_header

MakeProtocol = Callable[[ProxyHeader], asyncio.Protocol]

#: Seconds without accepting after the machine has refused it, for want of file descriptors.
PAUSE_SECONDS = 1.0


class ProxyListener:
    """Takes the part of ``asyncio.start_server``, which would begin TLS before the header.

    A connection from ``proxy_protocol_from`` must begin with a header within
    ``proxy_protocol_timeout``, or it is closed. Connections from elsewhere are plain: a header of
    theirs is no valid request.

    Args:
        sock: A listening socket.
        config: The limits.
        tls: For the bytes after the header, or None.
        make_protocol: Returns the protocol of a connection.
    """

    def __init__(
        self, sock: socket, config: Config, tls: SSLContext | None, make_protocol: MakeProtocol
    ) -> None:
        sock.setblocking(False)
        sock.listen(config.backlog)
        self._sock = sock
        self._config = config
        self._networks = Networks(config.proxy_protocol_from)
        self._tls = tls
        self._make_protocol = make_protocol
        self._opening: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept())

    def close(self) -> None:
        """Accept no more, and drop connections that have not sent their header yet."""
        self._accepting.cancel()
        for task in self._opening:
            task.cancel()
        self._sock.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._sock)
            except OSError as error:
                await self._config.log.error("No connection can be accepted: %s", error)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            task = asyncio.create_task(self._open(connection, address))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket, address: tuple[str, int]) -> None:
        peer = parse_socket_addr(connection.family, address)
        try:
            header = await self._read_header(connection, peer[0] if peer else None)
            await self._begin(connection, header)
        except (ProxyHeaderError, TimeoutError) as error:
            reason = str(error) or "its header did not come in time"
            name = peer[0] if peer else "a Unix domain socket"
            await self._config.log.warning("The proxy %s is disconnected: %s", name, reason)
            connection.close()
        except BaseException as error:
            connection.close()
            if not isinstance(error, OSError):  # a client that left, or that speaks no TLS
                raise

    async def _read_header(self, connection: socket, address: str | None) -> ProxyHeader:
        if address not in self._networks:
            return ProxyHeader()
        receive = partial(asyncio.get_running_loop().sock_recv, connection)
        async with asyncio.timeout(self._config.proxy_protocol_timeout):
            return await read_header(receive)

    async def _begin(self, connection: socket, header: ProxyHeader) -> None:
        loop = asyncio.get_running_loop()
        seconds = None if self._tls is None else self._config.ssl_handshake_timeout
        await loop.connect_accepted_socket(
            lambda: self._make_protocol(header),
            connection,
            ssl=self._tls,
            ssl_handshake_timeout=seconds,
        )
