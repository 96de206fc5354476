"""The CRM's JSON API: a page of 20 of 10,000 orders, and a new order under an idempotency key.

Run ``python -m bench api``. One process each, one SQLite file for each, with a bearer token; the
peers are FastAPI and Litestar on uvicorn, with SQLAlchemy's asyncio extension.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from os import environ
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert

from bench import orders
from bench.side_by_side import Peer, Result, Server, compare, uvicorn
from quarterdeck_crm.models import Good, IdempotencyKey

PATH = "/api/v1/orders"
KEPT = 14_000  # idempotency keys of the last day, so that their cost shows
CROWD = 16
NEW = {"account_id": 1, "currency": "EUR", "lines": [{"good_id": 1, "quantity": 2}]}

# The peers have no rate limit. Ours stays on, but at a rate that nobody reaches.
NO_LIMIT = {"CRM_LIMIT_API": "1000000/second"}

# wrk asks this for each request. A table's address differs between the runs of a second.
POST = """
local run, number = os.time() .. tostring({}):sub(8), 0
wrk.headers["Content-Type"] = "application/json"
request = function()
  number = number + 1
  wrk.headers["Idempotency-Key"] = run .. "-" .. number
  return wrk.format("POST", nil, nil, '%s')
end
"""


def main() -> None:
    compare_all()


def compare_all(*, rounds: int = 7, seconds: int = 2) -> list[Result]:
    """Load all peers in turns, first with lists and then with new orders."""
    with orders.filled() as settings:
        headers = {"Authorization": f"Bearer {prepare(settings)}"}
        peers = [
            Peer(name, command, settings | NO_LIMIT, headers=headers)
            for name, command in (
                ("crm serve", orders.SERVE),
                ("FastAPI, uvicorn", uvicorn("bench.peers.fastapi_api:app")),
                ("Litestar, uvicorn", uvicorn("bench.peers.litestar_api:app")),
            )
        ]
        script = Path(settings["BENCH_FOLDER"]) / "post.lua"
        script.write_text(POST % json.dumps(NEW))
        listed = compare(
            peers, [PATH], check=check_list, rounds=rounds, seconds=seconds, crowds=[CROWD]
        )
        placed = compare(
            peers, [PATH], check=check_new, rounds=rounds, seconds=seconds, crowds=[CROWD],
            script=script,
        )  # fmt: skip
    return [
        *(replace(each, what="API, list of orders") for each in listed),
        *(replace(each, what="API, new order") for each in placed),
    ]


def prepare(settings: dict[str, str]) -> str:
    """Add a good and idempotency keys to the orders, and return a token."""
    engine = create_engine(settings["BENCH_FLASK_URL"])
    same = {"created_at": orders.NOW, "updated_at": orders.NOW, "version": 1}
    good = {"id": 1, "code": "G1", "name": "A good", "price": Decimal(10), "currency": "EUR"}
    with engine.begin() as connection:
        connection.execute(insert(Good), good | same)
        connection.execute(insert(IdempotencyKey), [kept(number) for number in range(KEPT)])
    engine.dispose()
    command = [*orders.CRM, "token", "create", orders.EMAIL, "--name", "bench"]
    made = subprocess.run(
        [*command, "--scope", "read", "--scope", "write"],
        check=True,
        capture_output=True,
        text=True,
        env=environ | settings,
    )
    return made.stdout.strip()


def kept(number: int) -> dict[str, Any]:
    """Return the row of an answered request."""
    return {
        "user_id": 1,
        "key_digest": f"{number:064x}",
        "request_digest": "0" * 64,
        "status": 201,
        "body": "{}",
        "expires_at": datetime.now(UTC) + timedelta(hours=23),
    }


def check_list(server: Server, path: str) -> None:
    """Exit unless the answer has 20 orders and their number."""
    answer = _ask(server, path)
    if len(answer["items"]) != 20 or answer["total"] != orders.ORDERS:
        sys.exit(f"'{server.peer.name}' answered with other orders: {answer}")


def check_new(server: Server, path: str) -> None:
    """Exit unless an order is placed once, although it is sent twice."""
    first, second = (_ask(server, path, key=f"check {server.base}") for _ in range(2))
    if first != second or Decimal(first["net"]) != 20 or len(first["lines"]) != 1:
        sys.exit(f"'{server.peer.name}' did not place the order once: {first}, then {second}")


def _ask(server: Server, path: str, key: str = "") -> Any:
    headers = {**server.peer.headers, "Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key.replace(" ", "-")
    body = json.dumps(NEW).encode() if key else None
    request = urllib.request.Request(server.base + path, body, headers)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
        return json.load(answer)


if __name__ == "__main__":
    main()
