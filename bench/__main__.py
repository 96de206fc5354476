"""Run every measurement: ``python -m bench``; one by name: ``python -m bench hello``."""

from __future__ import annotations

import importlib
import sys

MEASUREMENTS = [
    "hello",
    "million",
    "orders",
    "orders_mariadb",
    "api",
    "transfer",
    "mail",
    "session",
    "sockets",
    "faults",
    "slow_clients",
    "supervisor",
    "workers",
    "memory",
    "additions",
    "scheduler",
]


def main(names: list[str]) -> None:
    if names == ["--list"]:
        for name in MEASUREMENTS:
            about = (importlib.import_module(f"bench.{name}").__doc__ or "").partition("\n")[0]
            print(f"{name:15} {about}")
        return
    for name in names or MEASUREMENTS:
        print(f"== {name}")
        importlib.import_module(f"bench.{name}").main()


main(sys.argv[1:])
