"""WebSockets: echo, one publisher to a thousand subscribers, memory of idle connections.

Run ``python -m bench.sockets``; it takes some minutes. Ours on its own server, FastAPI on
uvicorn, Django Channels with its Redis layer on Daphne, and the bare ``websockets`` library, one
process each and one more for the load, all without compression. Peers take turns; a ratio is
taken within a round, and the median of the rounds counts.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import redis_server

from .side_by_side import PYTHON, Peer, Result, Server, ratio, served, uvicorn

ROUNDS, SECONDS = 5, 1.0
SUBSCRIBERS, IDLE, WARM = 1000, 5000, 20
FILES = 12_000  # that one process may have open, at least
DATA = '{"id":7,"number":10248,"version":3,"state":"Confirmed","by":{"id":"1","name":"Ada Anker"}}'
EVENT = f'{{"type":"event","room":"all","id":"1795262736578-0","name":"tick","data":{DATA}}}'
SUBSCRIBE = '{"type":"subscribe","room":"all"}'


@dataclass(frozen=True)
class Contestant:
    """A peer, and what clients say to it.

    Attributes:
        peer: How it is served.
        hello: With what a client enters the room; None where connecting is enough.
        publish: What a publisher sends. Ours wraps it, others pass it on as it is; all that is
            sent to subscribers has the same length.
    """

    peer: Peer
    hello: str | None = None
    publish: str = EVENT


def contestants(redis_url: str | None) -> Iterator[Contestant]:
    """Ours first."""
    command = [PYTHON, "-m", "bench.peers.sockets_quarterdeck", "{port}"]
    yield Contestant(Peer("quarterdeck", command), SUBSCRIBE, DATA)
    if redis_url:
        redis = {"REDIS_URL": redis_url}
        yield Contestant(Peer("quarterdeck, Redis", command, redis), SUBSCRIBE, DATA)
    yield Contestant(Peer("FastAPI, uvicorn", uvicorn("bench.peers.sockets_fastapi:app")))
    if redis_url:
        yield Contestant(
            Peer("Channels, Redis, Daphne", daphne("bench.peers.sockets_channels:app"), redis)
        )
    bare = [PYTHON, "-m", "bench.peers.sockets_websockets", "{port}"]
    yield Contestant(Peer("websockets", bare))


def daphne(target: str) -> list[str]:
    return [PYTHON, "-m", "daphne", "-v", "0", "-p", "{port}", target]


@dataclass(frozen=True)
class Turn:
    """What one server did in one round."""

    rate: float
    cpu: float
    p99: float = 0.0


class Load:
    """The process that loads one server, connected to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._read()

    def _read(self) -> dict[str, float]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            sys.exit("The load generator failed; its error is above.")
        figures: dict[str, float] = json.loads(line)
        return figures

    def turn(self) -> Turn:
        """Load the server for a second or so."""
        assert self._process.stdin
        print(file=self._process.stdin, flush=True)
        figures = self._read()
        count, rate = figures["count"], figures["count"] / figures["seconds"]
        return Turn(rate, figures["cpu"] * 1e6 / count, figures.get("p99", 0.0))


@contextmanager
def loading(kind: str, count: int, server: Server, contestant: Contestant) -> Iterator[Load]:
    """Connect to a server so often from another process."""
    port = server.base.rpartition(":")[2]
    command = [PYTHON, "-m", "bench.socket_load", kind, port, str(server.process), str(count)]
    command += ["--seconds", str(SECONDS), "--publish", contestant.publish]
    command += ["--hello", contestant.hello] if contestant.hello else []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Load(process)
        finally:
            process.kill()


def compare(
    title: str, kind: str, count: int, field: Sequence[Contestant], rounds_: int = ROUNDS
) -> list[Result]:
    """Load everybody in turns, and print how the first does against each."""
    with ExitStack() as stack:
        loads = []
        for each in field:
            server = stack.enter_context(served(each.peer))
            loads.append(stack.enter_context(loading(kind, count, server, each)))
        for one in loads:
            one.turn()  # warm
        rounds = [[one.turn() for one in loads] for _ in range(rounds_)]
    results = []
    print(
        f"\n{title:32} per second  CPU us  p99 ms   "
        "first row to this: by rate (range), by CPU (range)"
    )
    for number, each in enumerate(field):
        turns = [turns[number] for turns in rounds]
        rate, cpu, p99 = (
            statistics.median(getattr(turn, name) for turn in turns)
            for name in ("rate", "cpu", "p99")
        )
        latency = f"{p99 * 1000:6.0f}" if p99 else ""
        print(f"  {each.peer.name:30} {rate:10.0f}  {cpu:6.1f}  {latency:6}", end="")
        by_rate = by_cpu = None
        if number:
            by_rate = ratio([turns[0].rate / turns[number].rate for turns in rounds])
            by_cpu = ratio([turns[number].cpu / turns[0].cpu for turns in rounds])
            print(f"   {by_rate!s:22}   {by_cpu}", end="")
        print()
        results.append(Result(title, each.peer.name, cpu, by_cpu, rate, by_rate))
    return results


def measure_memory(field: Sequence[Contestant]) -> list[Result]:
    """Print what a connection costs that only listens; each server is started for it."""
    print(f"\n{f'{IDLE} idle connections':32}  KiB each   first row to this")
    first = 0.0
    results: list[Result] = []
    for each in field:
        with served(each.peer) as server:
            with loading("fan_out", WARM, server, each) as warm:
                warm.turn()  # what is loaded once is not theirs
            before = memory(server.process)
            with loading("fan_out", IDLE, server, each):
                cost = (memory(server.process) - before) / IDLE
        first = first or cost
        print(f"  {each.peer.name:30}  {cost:8.1f}   {first / cost:5.2f}")
        by_memory = ratio([cost / first]) if results else None
        results.append(Result("idle WebSocket, KiB", each.peer.name, cost, by_memory))
    return results


def memory(process: int) -> int:
    """Return the resident memory of a process, in KiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    sys.exit("'/proc' does not tell how much memory a process has.")


@contextmanager
def redis() -> Iterator[str | None]:
    """The address of a Redis of our own, or None where it is not installed."""
    if shutil.which("redis-server") is None:
        print("'redis-server' is not installed: what needs it is left out.")
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        server = redis_server(Path(folder))
        server.start()
        try:
            yield f"redis://127.0.0.1:{server.port}/0"
        finally:
            server.kill()


def allow_many_files() -> None:
    """Raise the soft limit of open files, for this process and those it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        sys.exit(f"'ulimit -Hn' is {hard}. Raise it to {FILES}: each connection is a file.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


def compare_all(*, rounds: int = ROUNDS) -> list[Result]:
    """Measure ours, FastAPI and ``websockets`` without Redis, and return their figures."""
    allow_many_files()
    field = list(contestants(None))
    return [
        *compare("WebSocket echo, 100 clients", "echo", 100, field, rounds),
        *compare(f"WebSocket, 1 to {SUBSCRIBERS}", "fan_out", SUBSCRIBERS, field, rounds),
        *measure_memory(field),
    ]


def main() -> None:
    allow_many_files()
    with redis() as redis_url:
        field = list(contestants(redis_url))
        echoing = [each for each in field if each.peer.name != "quarterdeck, Redis"]
        compare("echo, 1 client", "echo", 1, echoing)
        compare("echo, 100 clients", "echo", 100, echoing)
        compare(f"1 to {SUBSCRIBERS}, deliveries", "fan_out", SUBSCRIBERS, field)
        measure_memory(echoing)


if __name__ == "__main__":
    main()
