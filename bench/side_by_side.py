"""Serve the same thing in several ways, load each with wrk in turns, print the ratios.

Figures of one machine and one run: only the ratios mean anything, and those under 5 %
do not. Give the machine nothing else to do.
"""

from __future__ import annotations

import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

PYTHON = sys.executable


@dataclass
class Peer:
    """One way to serve: its name and the command, ``{port}`` standing for the port."""

    name: str
    command: Sequence[str]
    rates: dict[str, list[float]] = field(default_factory=dict)


def hypercorn(target: str) -> list[str]:
    return [
        PYTHON, "-m", "hypercorn", "-k", "uvloop", "--access-logfile", "/dev/null",
        "--error-logfile", "/dev/null", "-b", "127.0.0.1:{port}", target,
    ]  # fmt: skip


def gunicorn(target: str) -> list[str]:
    return [
        PYTHON, "-m", "gunicorn", "--threads", "8", "-b", "127.0.0.1:{port}", target,
    ]  # fmt: skip


def uvicorn(target: str) -> list[str]:
    return [
        PYTHON, "-m", "uvicorn", "--no-access-log", "--log-level", "error", "--port", "{port}",
        target,
    ]  # fmt: skip


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def served(peer: Peer) -> Any:
    """Run the peer's server; yields its base address."""
    port = free_port()
    command = [part.format(port=port) for part in peer.command]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, peer, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, peer: Peer, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"'{peer.name}' does not start. Run {' '.join(peer.command)} to see why.")


def load(url: str, seconds: float) -> float:
    """Return requests per second at 32 connections.

    Exits if any answer was not good.
    """
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"'{url}' gave errors:\n{output}")
    match = re.search(r"Requests/sec:\s+([\d.]+)", output)
    return float(match[1]) if match else 0.0


def compare(peers: Sequence[Peer], paths: Sequence[str], rounds: int = 3, seconds: int = 5) -> None:
    """Load every peer in turns and print requests per second and the ratio to the first."""
    if shutil.which("wrk") is None:
        sys.exit("'wrk' is not installed. Install it to run the measurements.")
    for _ in range(rounds):
        for peer in peers:
            with served(peer) as base:
                for path in paths:
                    load(base + path, 1)
                    peer.rates.setdefault(path, []).append(load(base + path, seconds))
    for path in paths:
        first = statistics.median(peers[0].rates[path])
        print(f"\n{path}")
        for peer in peers:
            rate = statistics.median(peer.rates[path])
            print(f"  {peer.name:32} {rate:9.0f}/s  {rate / first:5.2f}")
