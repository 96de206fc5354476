"""Run Quart's own tests over the kit, and compare the failures with the list of differences.

From a checkout of Quart::

    python -m tests.conformance.quart CHECKOUT

The tests run twice: with Quart as it is installed, and with our classes in its place. A test that
fails with both is of another version of Quart, and counts as no difference. The command prints how
many tests pass, and how many fail for each reason in ``quart_differences.toml``. It ends with an
error if a test fails without a reason, or if a line of the file matches no failure.
"""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

import click

from . import suite

DIFFERENCES = Path(__file__).with_name("quart_differences.toml")
PLUGIN = "tests.conformance.quart_classes"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.quart")
    parser.add_argument("checkout", type=Path, help="a folder with the source of Quart")
    checkout = parser.parse_args().checkout
    stock, ours = suite.run(checkout), suite.run(checkout, "-p", PLUGIN)
    of_stock = set(suite.failures(stock))
    failed = suite.failures(ours)
    click.echo(
        f"{len(stock) - len(of_stock)} of {len(stock)} tests pass with Quart {version('quart')}"
    )
    click.echo(f"{len(ours) - len(failed)} of {len(ours)} tests pass with the kit")
    lost = [f"{test}: did not run with the kit" for test in stock.keys() - ours.keys()]
    for line in lost:
        click.echo(f"      {line}")
    differences = [test for test in failed if test not in of_stock]
    return 1 if suite.compare(differences, suite.read(DIFFERENCES)) or lost else 0


if __name__ == "__main__":
    sys.exit(main())
