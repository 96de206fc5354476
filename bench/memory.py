"""Start-up and memory: the CRM, and the order list on Flask and on FastAPI, with 1 and 4 workers.

Run ``python -m bench.memory``. The start is the CPU time until the first request is answered.
Memory is taken after some requests: the proportional share (PSS) of all processes, which counts
pages that processes share once, and the sum of their resident sets (RSS), which does not. The CPU
time of ``crm --help`` is printed too. At last the CRM with 4 workers is measured before its first
page, after 10,000 and after 20,000 requests; the command fails if the second 10,000 cost more than
a tenth.
"""

from __future__ import annotations

import http.client
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import redis_server, running

from bench import orders
from bench.side_by_side import (
    COMPILED,
    Peer,
    Result,
    Server,
    cpu_seconds,
    family_of,
    load,
    ratio,
    served,
)

ROUNDS, WORKERS = 5, 4
REQUESTS, MAX_GROWTH = 10_000, 1.1
ANY_PATH = "/sign-in"  # the CRM has no such page, which is an answer too


@contextmanager
def contestants(workers: int) -> Iterator[list[Peer]]:
    """Ours first. Several workers of ours need Redis."""
    with (
        tempfile.TemporaryDirectory() as name,
        running(redis_server(Path(name))) as redis,
        orders.filled() as settings,
    ):
        ours = settings | {"SESSION_TYPE": "null"}
        serve = orders.SERVE
        if workers > 1:
            serve = [*serve, "--workers", str(workers)]
            ours["REDIS_URL"] = f"redis://127.0.0.1:{redis.port}/0"
        crm = Peer("crm serve", serve, ours, orders.sign_in_to_crm)
        yield [crm, *orders.peers(settings, workers)]


def starts(rounds_: int = ROUNDS) -> list[Result]:
    """Start each server in turns, and return the CPU milliseconds until its first answer."""
    with contestants(1) as peers:
        for peer in peers:
            _start(peer)  # compiles the modules that changed
        rounds = [[_start(peer) for peer in peers] for _ in range(rounds_)]
    return [
        Result(
            "start-up, CPU ms",
            peer.name,
            cpu=statistics.median(turns[number] for turns in rounds),
            by_cpu=ratio([turns[number] / turns[0] for turns in rounds]) if number else None,
        )
        for number, peer in enumerate(peers)
    ]


def _start(peer: Peer) -> float:
    with served(Peer(peer.name, peer.command, peer.environment)) as server:
        while not _answers(server):  # it listens before it can answer
            time.sleep(0.05)
        return cpu_seconds(server.process) * 1000


def _answers(server: Server) -> bool:
    connection = http.client.HTTPConnection(server.base.removeprefix("http://"), timeout=120)
    try:
        connection.request("GET", ANY_PATH)
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def help_costs(runs: int = 9) -> list[float]:
    """Return the CPU milliseconds of each run of ``crm --help``, the lowest first."""
    found = []
    for _ in range(runs + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [*orders.CRM, "--help"],
            env=os.environ | COMPILED,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return sorted(seconds * 1000 for seconds in found[1:])  # the first compiles changed modules


def memory(workers: int) -> list[Result]:
    """Return the memory of each server with some workers, in MiB."""
    what = f"memory with {workers} workers, MiB" if workers > 1 else "memory, MiB"
    found = []
    with contestants(workers) as peers:
        for peer in peers:
            with served(peer) as server:
                load(server, orders.PATH, 2)
                pss, rss = used(server)
            print(f"  {peer.name:32} {workers} workers: PSS {pss:5.0f} MiB, RSS {rss:5.0f} MiB")
            found.append((peer.name, pss))
    first = found[0][1]
    return [
        Result(what, name, cpu=pss, by_cpu=ratio([pss / first]) if number else None)
        for number, (name, pss) in enumerate(found)
    ]


def growth() -> None:
    """Print the memory of the CRM while it answers many requests; exits if it does not settle."""
    with contestants(WORKERS) as peers, served(peers[0]) as server:
        found = [used(server)[0]]
        for _ in range(2):
            answered = 0.0
            while answered < REQUESTS:
                answered += load(server, orders.PATH, 10).rate * 10
            found.append(used(server)[0])
    print(
        f"  crm serve, {WORKERS} workers: PSS {found[0]:.0f} MiB idle, "
        f"{found[1]:.0f} after {REQUESTS:,} requests, {found[2]:.0f} after twice as many"
    )
    if found[2] > found[1] * MAX_GROWTH:
        sys.exit("The memory of the CRM grows with the number of requests.")


def used(server: Server) -> tuple[float, float]:
    """Return the PSS and the RSS of a server and its workers, in MiB."""
    return _sum(server, "Pss:"), _sum(server, "Rss:")


def _sum(server: Server, name: str) -> float:
    files = [Path(f"/proc/{process}/smaps_rollup") for process in family_of(server.process)]
    lines = [line.split() for file in files for line in file.read_text().splitlines()]
    return sum(int(line[1]) for line in lines if line[0] == name) / 1024


def main(_: Sequence[str] = ()) -> None:
    for result in starts():
        print(f"  {result.name:32} {result.cpu:6.0f} CPU ms to start  {result.by_cpu or ''}")
    costs = help_costs()
    median = statistics.median(costs)
    print(f"  crm --help: {median:.0f} CPU ms ({costs[0]:.0f} to {costs[-1]:.0f})")
    memory(1)
    memory(WORKERS)
    growth()


if __name__ == "__main__":
    main()
