"""Loads a WebSocket server from a process of its own: ``python -m bench.socket_load KIND ...``.

Raw asyncio protocols that write ready-made frames and look at no more of what comes than they
have to, so that the server is what limits. Connects and says so in a line of JSON; then each line
on standard input is one turn, whose figures are printed as another one.
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
from functools import partial
from itertools import cycle
from typing import cast

import uvloop

from .side_by_side import cpu_seconds

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


def _answer(future: asyncio.Future[None], _payload: bytes) -> None:
    if not future.done():
        future.set_result(None)


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
                socket.on_text = partial(_answer, answered)
                socket.transport.write(frame(hello.encode()))
                await answered
            return socket

    return list(await asyncio.gather(*(open_one() for _ in range(count))))


class Echo:
    """Each socket sends again as soon as its message is back."""

    async def connect(self, given: argparse.Namespace) -> None:
        self._sockets = await connect("/echo", given.port, given.count)
        self._message = frame(ECHO)
        self._returned = self._under_way = 0
        self._all_back = asyncio.Event()
        for socket in self._sockets:
            socket.on_text = self._answer_with(socket.transport.write)

    def _answer_with(self, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def on_text(payload: bytes) -> None:
            assert payload == ECHO
            self._returned += 1
            if self._going_on:
                write(self._message)
            else:
                self._under_way -= 1
                if not self._under_way:
                    self._all_back.set()

        return on_text

    async def turn(self, seconds: float) -> dict[str, float]:
        self._returned, self._under_way, self._going_on = 0, len(self._sockets), True
        self._all_back.clear()
        for socket in self._sockets:
            socket.transport.write(self._message)
        await asyncio.sleep(seconds)
        self._going_on = False
        async with asyncio.timeout(LOST_SECONDS):
            await self._all_back.wait()
        return {"count": self._returned}


class FanOut:
    """One publishes; when all the others have the message, the next one."""

    async def connect(self, given: argparse.Namespace) -> None:
        self._sockets = await connect("/listen", given.port, given.count, given.hello)
        [self._publisher] = await connect("/publish", given.port, 1)
        await asyncio.sleep(1)  # for what a server does when users come
        self._message = frame(given.publish.encode())
        self._all_there = asyncio.Event()
        for socket in self._sockets:
            socket.on_text = self._on_text

    def _on_text(self, payload: bytes) -> None:
        if MARK in payload:
            self._latencies.append(time.perf_counter() - self._sent)
            self._missing -= 1
            if not self._missing:
                self._all_there.set()

    async def turn(self, seconds: float) -> dict[str, float]:
        self._latencies: list[float] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self._all_there.clear()
            self._missing, self._sent = len(self._sockets), time.perf_counter()
            self._publisher.transport.write(self._message)
            async with asyncio.timeout(LOST_SECONDS):
                await self._all_there.wait()
        self._latencies.sort()
        count = len(self._latencies)
        return {"count": count, "p99": self._latencies[count * 99 // 100]}


async def run(given: argparse.Namespace) -> None:
    """Connect, and take a turn for each line."""
    work: Echo | FanOut = Echo() if given.kind == "echo" else FanOut()
    await work.connect(given)
    print(json.dumps({"connected": given.count}), flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        cpu, began = cpu_seconds(given.process), time.perf_counter()
        figures = await work.turn(given.seconds)
        took, spent = time.perf_counter() - began, cpu_seconds(given.process) - cpu
        print(json.dumps({**figures, "seconds": took, "cpu": spent}), flush=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("echo", "fan_out"))
    parser.add_argument("port", type=int)
    parser.add_argument("process", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--hello")
    parser.add_argument("--publish", default="")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
