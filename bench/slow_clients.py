"""``crm serve`` while 200 clients send their headers and 200 their bodies byte by byte.

Run ``python -m bench.slow_clients``. Nothing is compared with peers: it prints when the slow
clients are cut off, and what the others wait. It exits with an error if one is not cut off.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import httpx
from tests.serving import crm, serving

EACH = 200
#: Seconds between two bytes of a slow client.
PAUSE = 1.0
#: Seconds after which a client that is still served is a failure: ``BODY_TIMEOUT`` is 60.
LATEST = 90.0
QUIET_SECONDS = 15.0
PROBE_PAUSE = 0.02

HEAD = b"GET /auth/login HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = (
    b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
)
KINDS = {"headers": HEAD, "body": BODY}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="slow-") as name:
        folder = Path(name)
        crm(folder, "db", "upgrade")
        with serving(folder) as base:
            quiet = asyncio.run(_probe(base, QUIET_SECONDS))
            slow = _start_slow_clients(base)
            loud = asyncio.run(_probe(base, LATEST, slow))
            results = json.loads(slow.communicate()[0])
    for kind, ends in results.items():
        answers = Counter(str(status or "none") for _, status in ends)
        seconds = [after for after, _ in ends]
        told = ", ".join(f"{count} answered {status}" for status, count in answers.items())
        print(f"  slow {kind:8} cut off after {min(seconds):.0f} to {max(seconds):.0f} s; {told}")
    print(f"  others, quiet  p99 {_p99(quiet):6.1f} ms of {len(quiet):,} requests")
    ratio = _p99(loud) / _p99(quiet)
    print(f"  others, then   p99 {_p99(loud):6.1f} ms of {len(loud):,} requests, {ratio:.2f} times")
    late = [after for ends in results.values() for after, _ in ends if after >= LATEST]
    if late:
        raise SystemExit(f"{len(late)} slow clients were not cut off")


async def _probe(
    base: str, seconds: float, slow: subprocess.Popen[str] | None = None
) -> list[float]:
    """Ask again and again; return the milliseconds of each answer."""
    found = []
    end = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=base, timeout=30, trust_env=False) as client:
        while time.monotonic() < end and (slow is None or slow.poll() is None):
            began = time.perf_counter()
            response = await client.get("/auth/login")
            found.append((time.perf_counter() - began) * 1000)
            assert response.status_code == 200
            await asyncio.sleep(PROBE_PAUSE)
    return found


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


def _start_slow_clients(base: str) -> subprocess.Popen[str]:
    """Run them in a process of their own, so that they slow down no other client."""
    command = [sys.executable, "-m", "bench.slow_clients", str(urlsplit(base).port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def _slow_clients(port: int) -> None:
    kinds = [kind for kind in KINDS for _ in range(EACH)]
    ends = await asyncio.gather(*(_be_slow(port, KINDS[kind]) for kind in kinds))
    results: dict[str, list[tuple[float, int]]] = {kind: [] for kind in KINDS}
    for kind, end in zip(kinds, ends, strict=True):
        results[kind].append(end)
    print(json.dumps(results))


async def _be_slow(port: int, begin: bytes) -> tuple[float, int]:
    """Send a byte now and then; return when the server ended that, and its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    sending = asyncio.create_task(_trickle(writer, begin))
    answer = b""
    try:
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(LATEST):
                answer = await reader.readline()  # empty if there is none
    finally:
        sending.cancel()
        writer.transport.abort()
    return time.monotonic() - began, int(answer.split()[1]) if answer else 0


async def _trickle(writer: asyncio.StreamWriter, begin: bytes) -> None:
    with suppress(ConnectionError):
        writer.write(begin)
        while True:
            await writer.drain()
            await asyncio.sleep(PAUSE)
            writer.write(b"x")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(_slow_clients(int(sys.argv[1])))
    else:
        main()
