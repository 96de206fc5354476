"""Two workers each: a text, a document, the CRM's order list.

Run ``python -m bench.workers``. ``quarterdeck serve`` and ``crm serve`` with their default
settings, stock Quart on Hypercorn, Flask on gunicorn, FastAPI on uvicorn.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.servers import redis_server, running

from bench import orders
from bench.side_by_side import PYTHON, Peer, Result, compare, gunicorn, hypercorn, uvicorn

WORKERS = 2


def hello() -> None:
    ours = [PYTHON, "-m", "quarterdeck", "serve", "bench.hello:ours()"]
    ours += ["--bind", "127.0.0.1:{port}", "--workers", str(WORKERS)]
    compare(
        [
            Peer("quarterdeck serve", ours),
            Peer("Quart, Hypercorn", hypercorn("bench.hello:stock()", WORKERS)),
            Peer("Flask, gunicorn 8 threads", gunicorn("bench.hello:flask()", WORKERS)),
            Peer("FastAPI, uvicorn", [*uvicorn("bench.hello:fastapi", WORKERS), "--factory"]),
        ],
        ["/text", "/document"],
    )


def compare_orders(*, rounds: int = 7, seconds: int = 2) -> list[Result]:
    """Load the order list of all peers in turns, and return their figures."""
    serve = [*orders.SERVE, "--workers", str(WORKERS)]
    with (
        tempfile.TemporaryDirectory() as name,
        running(redis_server(Path(name))) as redis,
        orders.filled() as settings,
    ):
        ours = settings | {
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "SESSION_TYPE": "null",  # a signed cookie, as the others have
        }
        return compare(
            [
                Peer("crm serve", serve, ours, orders.sign_in_to_crm),
                *orders.peers(settings, WORKERS),
            ],
            [orders.PATH],
            check=orders.check,
            rounds=rounds,
            seconds=seconds,
        )


def main() -> None:
    hello()
    compare_orders()


if __name__ == "__main__":
    main()
