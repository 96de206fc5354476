"""Four workers of ``quarterdeck serve`` that are killed, reloaded and stopped under load.

Run ``python -m bench.supervisor``; it takes about two minutes. Nothing is compared: it prints what
an operation costs the clients, and exits with an error if more than the promised is lost.

- five rolling restarts (SIGHUP): no request of at least 10,000 fails, no event of the hub is lost
- each of four workers is killed (SIGKILL), ten times: at most 1 % of the requests fail, and no
  second passes without an answer
- a stop (SIGTERM) with 40 requests of 2 s and 100 WebSockets open: all are answered and closed
  with 1012, and the command ends with exit code 0

A client whose idle connection was closed opens another one, as every HTTP client does. A request
failed if it was sent and not answered with 200.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from tests.servers import redis_server, running
from tests.serving import children
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from quarterdeck.sockets.client import Client as Subscriber
from quarterdeck.sockets.client import Event, Gap

WORKERS, CLIENTS = 4, 16
KILLS, RELOADS, REQUESTS = 10, 5, 10_000
SLOW, SOCKETS = 40, 100
PATIENCE = 60.0


class Load:
    """Clients that ask for one page, each on a connection that it keeps."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answered: list[float] = []
        self.failed = 0
        self.is_on = True

    async def ask(self) -> None:
        """Ask until the load is off."""
        connection = None
        while self.is_on:
            with suppress(OSError, asyncio.IncompleteReadError):
                if connection is None or connection[0].at_eof():
                    if connection:
                        connection[1].close()
                    connection = await asyncio.open_connection("127.0.0.1", self._port)
                connection[1].write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                head = await connection[0].readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                assert length, head
                await connection[0].readexactly(int(length[1]))
                if head.startswith(b"HTTP/1.1 200 "):
                    self.answered.append(time.monotonic())
                    if b"connection: close" in head:
                        connection[1].close()
                        connection = None
                    continue
            self.failed += 1
            if connection:
                connection[1].close()
                connection = None
        if connection:
            connection[1].close()

    @property
    def longest_silence(self) -> float:
        """The longest time between two answers, in seconds."""
        return max(later - sooner for sooner, later in itertools.pairwise(self.answered))

    def __str__(self) -> str:
        count = len(self.answered) + self.failed
        return (
            f"{self.failed} of {count:,} requests failed, "
            f"longest time without an answer {self.longest_silence:.2f} s"
        )


@asynccontextmanager
async def loaded(port: int) -> AsyncIterator[Load]:
    """Ask with all clients during the block."""
    load = Load(port)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(load.ask())
        await until(lambda: len(load.answered) > CLIENTS)
        try:
            yield load
        finally:
            load.is_on = False


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition of other processes holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.01)


class Supervisor:
    """``quarterdeck serve`` with four workers."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self._log = folder / "log"
        config = folder / "hypercorn.toml"
        config.write_text('accesslog = "/dev/null"\ngraceful_timeout = 10\n')
        target = ["serve", "bench.peers.supervised:app", "--bind", "127.0.0.1:0"]
        target += ["--config", str(config), "--workers", str(WORKERS)]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "quarterdeck", *target],
                env=os.environ | {"REDIS_URL": redis_url},
                stdout=log,
                stderr=log,
            )

    async def start(self) -> int:
        """Wait until it serves, and return its port."""
        await until(lambda: "Running on" in self.log)
        await until(lambda: len(self.workers) == WORKERS)
        found = re.search(r"Running on http://127\.0\.0\.1:(\d+)", self.log)
        assert found, self.log
        return int(found[1])

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def workers(self) -> set[int]:
        with suppress(OSError):
            return {each for child in children(self.process.pid) for each in children(child)}
        return set()

    def has_replaced(self, worker: int) -> bool:
        """Whether a killed worker has gone and another one has started."""
        return worker not in self.workers and len(self.workers) == WORKERS


async def kill_workers(supervisor: Supervisor, port: int) -> None:
    """Kill each worker, and wait for its replacement before the next."""
    slowest = 0.0
    async with loaded(port) as load:
        for _ in range(KILLS):
            for worker in sorted(supervisor.workers):
                killed = time.monotonic()
                os.kill(worker, signal.SIGKILL)
                await until(partial(supervisor.has_replaced, worker))
                slowest = max(slowest, time.monotonic() - killed)
    print(f"  {WORKERS * KILLS} workers killed: {load}; replaced within {slowest:.2f} s")
    assert load.failed <= 0.01 * len(load.answered), "more than 1 % failed"
    assert load.longest_silence <= 1, "a second without an answer"


async def reload_workers(supervisor: Supervisor, port: int) -> None:
    """Restart all workers five times, while events are published and heard."""
    numbers: list[int] = []
    published = 0

    async def hear(subscriber: Subscriber) -> None:
        async for happening in subscriber:
            assert not isinstance(happening, Gap), "events were lost"
            if isinstance(happening, Event):
                numbers.append(happening.data["number"])

    async with Subscriber(f"ws://127.0.0.1:{port}/ws") as subscriber:
        await subscriber.subscribe("news")
        hearing = asyncio.create_task(hear(subscriber))
        async with loaded(port) as load:
            for _ in range(RELOADS):
                before = supervisor.workers
                supervisor.process.send_signal(signal.SIGHUP)
                while before & supervisor.workers or len(supervisor.workers) != WORKERS:
                    await publish(port, published)
                    published += 1
            await until(lambda: len(load.answered) + load.failed >= REQUESTS)
        await until(lambda: len(numbers) >= published or hearing.done())
        if not hearing.cancel():
            await hearing  # it has failed
    print(f"  {RELOADS} rolling restarts: {load}; {len(numbers)} of {published} events heard")
    assert numbers == list(range(published)), "events were lost, doubled or out of order"
    assert load.failed == 0, "requests failed"


async def publish(port: int, number: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"POST /publish?number={number} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
    writer.write(f"{request}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer


async def stop(supervisor: Supervisor, port: int) -> None:
    """Stop while requests and WebSockets are open."""
    sockets = [await connect(f"ws://127.0.0.1:{port}/ws") for _ in range(SOCKETS)]
    pages = [asyncio.create_task(get_slow(port)) for _ in range(SLOW)]
    await asyncio.sleep(1)
    began = time.monotonic()
    supervisor.process.send_signal(signal.SIGTERM)
    answers = await asyncio.gather(*pages)
    codes = await asyncio.gather(*(close_code(socket) for socket in sockets))
    code = await asyncio.to_thread(supervisor.process.wait, PATIENCE)
    good, closed = sum(answers), codes.count(1012)
    print(
        f"  stop: {good} of {SLOW} requests answered, {closed} of {SOCKETS} WebSockets closed with "
        f"1012, exit code {code} after {time.monotonic() - began:.1f} s"
    )
    assert (good, closed, code) == (SLOW, SOCKETS, 0), supervisor.log


async def get_slow(port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"late")


async def close_code(socket: ClientConnection) -> int | None:
    with suppress(ConnectionClosed):
        while True:
            await socket.recv()
    return socket.close_code


async def _measure(folder: Path, redis_url: str) -> None:
    supervisor = Supervisor(folder, redis_url)
    try:
        port = await supervisor.start()
        # First, because a killed worker may have held events: its rooms get a gap.
        await reload_workers(supervisor, port)
        await kill_workers(supervisor, port)
        await stop(supervisor, port)
    finally:
        if supervisor.process.poll() is None:
            supervisor.process.kill()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="supervisor-") as name:
        folder = Path(name)
        with running(redis_server(folder)) as redis:
            asyncio.run(_measure(folder, f"redis://127.0.0.1:{redis.port}/0"))


if __name__ == "__main__":
    main()
