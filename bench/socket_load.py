"""Loads a WebSocket server from a process of its own: ``python -m bench.socket_load KIND ...``.

Raw asyncio protocols that write ready-made frames and look at no more of what comes than they
have to, so that the server is what limits. Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import cast

import uvloop

HOST = "127.0.0.1"
AT_ONCE = 100  # handshakes under way
LOST_SECONDS = 15.0
ECHO = b"a message " * 10
MARK = b'"tick"'
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a masked frame, as clients send them."""
    mask = os.urandom(4)
    masked = bytes(each ^ key for each, key in zip(payload, cycle(mask), strict=False))
    size = len(payload)
    length = bytes([128 | size]) if size < 126 else bytes([128 | 126]) + size.to_bytes(2)
    return bytes([128 | opcode]) + length + mask + masked


class Socket(asyncio.Protocol):
    """One WebSocket; whoever opened it sets ``on_text``."""

    def __init__(self, path: str, port: int) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_text: Callable[[bytes], None] = lambda _payload: None
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        )
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request.encode())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed during the handshake"))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if self.opened.done():
            self._rest = self._read_frames(data)
            return
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            self._rest = data
        elif head.startswith(b"HTTP/1.1 101"):
            self.opened.set_result(None)
            self._rest = self._read_frames(rest)
        else:
            self.opened.set_exception(ConnectionError(head.partition(b"\r\n")[0].decode()))

    def _read_frames(self, data: bytes) -> bytes:
        """Handle all whole frames, and return what is left."""
        at = 0
        while len(data) >= at + 2:
            size, begin = data[at + 1], at + 2
            if size > 125:
                more = 2 if size == 126 else 8
                size, begin = int.from_bytes(data[begin : begin + more]), begin + more
            if len(data) < begin + size:
                break
            self._handle(data[at] & 15, data[begin : begin + size])
            at = begin + size
        return data[at:]

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self.on_text(payload)
        elif opcode == PING:
            self.transport.write(frame(payload, PONG))
        elif opcode == CLOSE:
            print(f"The server closed with {int.from_bytes(payload[:2])}.", file=sys.stderr)
            os._exit(1)  # the event loop would only log what is raised here


async def connect(path: str, port: int, count: int, hello: str | None = None) -> list[Socket]:
    """Open sockets; each says hello if there is one, and waits for the answer."""
    places = asyncio.Semaphore(AT_ONCE)
    loop = asyncio.get_running_loop()

    async def open_one() -> Socket:
        async with places:
            _, socket = await loop.create_connection(lambda: Socket(path, port), HOST, port)
            await socket.opened
            if hello is not None:
                answered = loop.create_future()
                socket.on_text = lambda _payload: answered.done() or answered.set_result(None)
                socket.transport.write(frame(hello.encode()))
                await answered
            return socket

    return list(await asyncio.gather(*(open_one() for _ in range(count))))


async def echo(port: int, count: int, seconds: float) -> dict[str, float]:
    """Each socket sends again as soon as its message is back."""
    sockets = await connect("/echo", port, count)
    message, returned = frame(ECHO), 0

    def answer_with(write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def on_text(payload: bytes) -> None:
            nonlocal returned
            assert payload == ECHO
            returned += 1
            write(message)

        return on_text

    began = time.perf_counter()
    for socket in sockets:
        socket.on_text = answer_with(socket.transport.write)
        socket.transport.write(message)
    await asyncio.sleep(seconds)
    return {"count": returned, "seconds": time.perf_counter() - began}


async def fan_out(
    port: int, count: int, seconds: float, hello: str | None, publish: str
) -> dict[str, float]:
    """One publishes; when all the others have the message, the next one."""
    sockets = await connect("/listen", port, count, hello)
    [publisher] = await connect("/publish", port, 1)
    await asyncio.sleep(0.5)  # for what a server does when people come
    message, all_there = frame(publish.encode()), asyncio.Event()
    latencies: list[float] = []
    missing, sent = 0, 0.0

    def on_text(payload: bytes) -> None:
        nonlocal missing
        if MARK in payload:
            latencies.append(time.perf_counter() - sent)
            missing -= 1
            if not missing:
                all_there.set()

    for socket in sockets:
        socket.on_text = on_text
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        missing, sent = count, time.perf_counter()
        all_there.clear()
        publisher.transport.write(message)
        async with asyncio.timeout(LOST_SECONDS):
            await all_there.wait()
    took = time.perf_counter() - began
    latencies.sort()
    p99 = latencies[len(latencies) * 99 // 100]
    return {"count": len(latencies), "seconds": took, "p99": p99}


async def idle(port: int, count: int, hello: str | None) -> dict[str, float]:
    """Open sockets, say so, and keep them until standard input ends."""
    sockets = await connect("/listen", port, count, hello)
    print(json.dumps({"count": len(sockets)}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    return {}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("echo", "fan_out", "idle"))
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--hello")
    parser.add_argument("--publish", default="")
    given = parser.parse_args(arguments)
    work = {
        "echo": lambda: echo(given.port, given.count, given.seconds),
        "fan_out": lambda: fan_out(
            given.port, given.count, given.seconds, given.hello, given.publish
        ),
        "idle": lambda: idle(given.port, given.count, given.hello),
    }[given.kind]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(work())))


if __name__ == "__main__":
    main(sys.argv[1:])
