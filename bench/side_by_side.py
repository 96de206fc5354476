"""Serve the same thing in several ways, load each with wrk in turns, print the ratios.

Figures of one machine and one run: only the ratios mean anything, and those under 5 % do not.
All servers run at the same time and are loaded one after the other, in several short rounds. A
ratio is taken within a round, where the machine was equally busy; the median of the rounds counts.

Beside the rate stands the processor time that the server spent on a request. Other work on the
machine disturbs it less, and for one process with one interpreter lock it is what limits the rate.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

PYTHON = sys.executable
CONNECTIONS = 32
PATIENCE = 30  # seconds for an answer: a crowd waits long on few cores


@dataclass
class Peer:
    """One way to serve.

    Attributes:
        name: What the table calls it.
        command: Starts the server, with ``{port}`` standing for the port.
        environment: Variables of its process, beside those of ours.
        sign_in: Given the base address, returns the Cookie header of the requests.
        headers: Further headers of the requests.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    sign_in: Callable[[str], str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """A peer that is running."""

    peer: Peer
    process: int
    base: str
    cookie: str | None


@dataclass(frozen=True)
class Turn:
    """What one server did in one round.

    Attributes:
        rate: Good answers per second.
        cpu: Milliseconds of CPU for each answer.
        refused: The share of answers that were errors. They cost little, so a turn with any of
            them says nothing about the pages.
    """

    rate: float
    cpu: float
    refused: float


class Ratio(NamedTuple):
    """The ratio of the rounds: their median, the lowest and the highest."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:.2f}"
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Result:
    """What one peer did in all rounds of a measurement.

    Attributes:
        what: The measurement.
        name: The peer.
        cpu: Its CPU time for one answer in microseconds, or what else is measured.
        by_cpu: That divided by that of the first peer; None for the first.
        rate: Good answers per second.
        by_rate: The rate of the first divided by that of this one.
    """

    what: str
    name: str
    cpu: float
    by_cpu: Ratio | None = None
    rate: float = 0.0
    by_rate: Ratio | None = None


def hypercorn(target: str, workers: int = 1) -> list[str]:
    return [
        PYTHON, "-m", "hypercorn", "-k", "uvloop", "--access-logfile", "/dev/null",
        "--error-logfile", "/dev/null", "-b", "127.0.0.1:{port}", "-w", str(workers), target,
    ]  # fmt: skip


def gunicorn(target: str, workers: int = 1) -> list[str]:
    return [
        PYTHON, "-m", "gunicorn", "--threads", "8", "-b", "127.0.0.1:{port}",
        "-w", str(workers), target,
    ]  # fmt: skip


def uvicorn(target: str, workers: int = 1) -> list[str]:
    return [
        PYTHON, "-m", "uvicorn", "--no-access-log", "--log-level", "error", "--loop", "uvloop",
        "--http", "httptools", "--port", "{port}", "--workers", str(workers), target,
    ]  # fmt: skip


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# Installed packages are compiled. Without this, a machine that writes no bytecode compiles ours at
# each start, and few of the peers' own modules.
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}


@contextmanager
def served(peer: Peer) -> Iterator[Server]:
    """Run the peer's server, signed in to."""
    port = free_port()
    command = [part.format(port=port) for part in peer.command]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | COMPILED | dict(peer.environment),
    )
    try:
        _wait_for(port, peer, process)
        base = f"http://127.0.0.1:{port}"
        yield Server(peer, process.pid, base, peer.sign_in(base) if peer.sign_in else None)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:  # there are servers that wait for their clients
            process.kill()
            process.wait()


def _wait_for(port: int, peer: Peer, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    command = " ".join(peer.command)
    sys.exit(f"'{peer.name}' does not start. Run '{command}' to see why.")


def load(
    server: Server,
    path: str,
    seconds: int,
    crowd: int = CONNECTIONS,
    script: Path | None = None,
) -> Turn:
    """Load a server, with requests as a script makes them; exits if it breaks connections."""
    headers = dict(server.peer.headers) | ({"Cookie": server.cookie} if server.cookie else {})
    url = server.base + path
    options = ["-t1", f"-c{crowd}", f"-d{seconds}s", f"--timeout={PATIENCE}s"]
    options += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    options += ["-s", str(script)] if script else []
    command = ["wrk", *options, url]
    before = cpu_seconds(server.process)
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(server.process) - before
    _wait_until_idle(server.process)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    count = re.search(r"(\d+) requests in", output)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if "Socket errors" in output or not rate or not count:
        sys.exit(f"'{url}' gave errors:\n{output}")
    answers = max(int(count[1]), 1)
    refused = int(bad[1]) / answers if bad else 0.0
    return Turn(float(rate[1]) * (1 - refused), spent * 1000 / answers, refused)


def _wait_until_idle(process: int) -> None:
    """Let a server end what nobody waits for any more, before the next has its turn."""
    for _ in range(PATIENCE * 5):
        before = cpu_seconds(process)
        time.sleep(0.2)
        if cpu_seconds(process) - before < 0.02:
            return


def cpu_seconds(process: int) -> float:
    """Return the CPU time of a process and its descendants so far; 0 where there is no /proc."""
    parents, ticks = _processes()
    return sum(ticks.get(pid, 0) for pid in _family(process, parents)) / os.sysconf("SC_CLK_TCK")


def family_of(process: int) -> set[int]:
    """Return the ids of a process and its descendants."""
    return _family(process, _processes()[0])


def _processes() -> tuple[dict[int, int], dict[int, int]]:
    """Return the parent and the clock ticks of each process, by its id."""
    parents, ticks = dict[int, int](), dict[int, int]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        pid = int(path.parent.name)
        parents[pid], ticks[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    return parents, ticks


def _family(process: int, parents: Mapping[int, int]) -> set[int]:
    family = {process}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def compare(
    peers: Sequence[Peer],
    paths: Sequence[str],
    *,
    check: Callable[[Server, str], None] | None = None,
    rounds: int = 7,
    seconds: int = 2,
    crowds: Sequence[int] = (CONNECTIONS,),
    script: Path | None = None,
) -> list[Result]:
    """Load every peer in turns; print requests per second and how the first does against each.

    Args:
        peers: Ours first.
        paths: What to ask each for.
        check: Called before anything is measured; exits or raises if an answer is not right.
        rounds: How often every peer has its turn.
        seconds: How long a turn is; for more than a hundred clients three times as long.
        crowds: How many clients ask at once, one after the other.
        script: Makes the requests, as a script of wrk; plain GET requests by default.
    """
    if shutil.which("wrk") is None:
        sys.exit("'wrk' is not installed. Install it to run the measurements.")
    results: list[Result] = []
    with ExitStack() as stack:
        servers = [stack.enter_context(served(peer)) for peer in peers]
        for path in paths:
            for server in servers:
                if check is not None:
                    check(server, path)
                load(server, path, 1, script=script)  # warm
            for crowd in crowds:
                long = seconds * 3 if crowd > 100 else seconds
                turns = [
                    [load(s, path, long, crowd, script) for s in servers] for _ in range(rounds)
                ]
                results += _report(f"{path} for {crowd}", servers, turns)
    return results


def _report(what: str, servers: Sequence[Server], rounds: Sequence[Sequence[Turn]]) -> list[Result]:
    results = []
    print(f"\n{what:32} requests/s  CPU us   first row to this: by rate (range), by CPU (range)")
    for number, server in enumerate(servers):
        rate = statistics.median(turns[number].rate for turns in rounds)
        cpu = statistics.median(turns[number].cpu for turns in rounds) * 1000
        print(f"  {server.peer.name:32} {rate:8.0f}  {cpu:6.0f}", end="")
        by_rate = by_cpu = None
        if number:
            by_rate = ratio([turns[0].rate / max(turns[number].rate, 0.1) for turns in rounds])
            by_cpu = ratio([turns[number].cpu / max(turns[0].cpu, 1e-9) for turns in rounds])
            print(f"   {by_rate!s:22}   {by_cpu}", end="")
        print()
        results.append(Result(what, server.peer.name, cpu, by_cpu, rate, by_rate))
    refused = {
        servers[number].peer.name: statistics.fmean(turns[number].refused for turns in rounds)
        for number in range(len(servers))
    }
    if any(refused.values()):
        shares = ", ".join(f"{name} {share:.1%}" for name, share in refused.items() if share)
        sys.exit(f"'{what}' was answered with errors, so the figures do not count: {shares}")
    return results


def ratio(values: Sequence[float]) -> Ratio:
    """Return the median of ratios, with the lowest and the highest."""
    return Ratio(statistics.median(values), min(values), max(values))
