"""The supervisor as a process of its own: ``start`` turns a command into it."""

from __future__ import annotations

import json
import sys

from quarterdeck.exceptions import QuarterdeckError

from .plan import Plan
from .supervisor import Supervisor


def main(arguments: list[str]) -> int:
    """Serve as the arguments say: the plan as JSON, and ``--spawn``."""
    plan = Plan.from_json(json.loads(arguments[0]))
    try:
        return Supervisor(plan, spawn="--spawn" in arguments).run()
    except QuarterdeckError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
