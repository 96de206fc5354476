"""The ``crm`` program: its own commands and those of the packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quarterdeck.commands import create_group
from quarterdeck_crm import create_app
from quarterdeck_crm.demo.cli import demo_command
from quarterdeck_crm.transfer.cli import export_group, import_group

from .check import check
from .serve import run, serve
from .sessions import sessions
from .token import token
from .user import user
from .watch import watch

if TYPE_CHECKING:
    from quart import Quart

COMMANDS = (
    serve,
    run,
    user,
    sessions,
    token,
    demo_command,
    import_group,
    export_group,
    check,
    watch,
)

program = create_group(create_app, name="crm", help="Run and look after the CRM.")
program.add_command(watch)  # also where there is no CRM that could be configured


def register_commands(app: Quart) -> None:
    """Add the commands to the app, for ``crm`` and for ``quart --app quarterdeck_crm``."""
    for command in COMMANDS:
        app.cli.add_command(command)
