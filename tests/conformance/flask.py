"""Run Flask's own tests over the kit, and compare the failures with the list of differences.

From a checkout of Flask::

    python -m tests.conformance.flask CHECKOUT

It prints how many tests pass, and how many fail for each reason in ``flask_differences.toml``. It
ends with an error if a test fails without a reason, or if a line of the file matches no failure.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import click

from . import suite

DIFFERENCES = Path(__file__).with_name("flask_differences.toml")
PLUGIN = "tests.conformance.flask_facade"
#: It raises KeyboardInterrupt, which ends the run of the facade.
ENDS_THE_RUN = "tests/test_basic.py::test_baseexception_error_handling"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.flask")
    parser.add_argument("checkout", type=Path, help="a folder with the source of Flask")
    checkout = parser.parse_args().checkout
    options = ("-W", "ignore", "-c", "/dev/null", "--deselect", ENDS_THE_RUN, "-p", PLUGIN)
    outcomes = suite.run(checkout, *options, "-p", "no:asyncio")
    failed = suite.failures(outcomes)
    click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} tests pass")
    return 1 if suite.compare(failed, suite.read(DIFFERENCES)) else 0


if __name__ == "__main__":
    sys.exit(main())
