"""The ``crm`` program: its own commands and those of the packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quarterdeck.commands import create_group

from .serve import serve
from .watch import watch

if TYPE_CHECKING:
    from collections.abc import Callable

    import click
    from quart import Quart


def make_program(create_app: Callable[[], Quart]) -> click.Group:
    """Return the ``crm`` program, whose commands work on the app that ``create_app`` makes."""
    program = create_group(create_app, name="crm", help="Run and look after the CRM.")
    program.add_command(watch)  # available even without a valid configuration
    program.add_command(serve)  # the supervisor of several workers must not hold the app
    return program
